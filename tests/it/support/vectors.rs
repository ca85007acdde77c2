//! One comparison for every vector: what `match` means, the same for all who hold answers to them.

use serde_json::Value;

/// How an answer is compared: `exact` knows every key, the others allow more than is expected.
#[derive(Clone, Copy, PartialEq)]
enum VectorMatch {
    Exact,
    AtLeast,
}

/// Holds what was found to a vector's `expected`, as its `match` says; a vector without one is exact.
#[track_caller]
pub(crate) fn assert_matches(found: &Value, expected: &Value, mode: &Value, case: &str) {
    let difference = difference(found, expected, mode);
    assert_eq!(difference, None, "{case}: {found:#}");
}

/// Where, and in what, something differs from what a vector expects.
pub(crate) fn difference(found: &Value, expected: &Value, mode: &Value) -> Option<String> {
    let mode = match mode.as_str() {
        None | Some("exact") => VectorMatch::Exact,
        Some("subset" | "shape") => VectorMatch::AtLeast,
        Some(other) => panic!("no vector is compared by `{other}`"),
    };
    differs(found, expected, mode, "")
}

fn differs(found: &Value, expected: &Value, mode: VectorMatch, at: &str) -> Option<String> {
    let here = |why: &str| Some(format!("{at}: {why}"));
    match (found, expected) {
        (found, Value::String(wish)) if is_placeholder(wish) => {
            let is_empty = found.is_null() || found == "";
            (is_empty || !fits_text(found, wish)).then(|| format!("{at}: not {wish}: {found}"))
        }
        (Value::Object(found), Value::Object(wish)) => {
            let more = found.keys().find(|name| !wish.contains_key(*name));
            if let Some(name) = more.filter(|_| mode == VectorMatch::Exact) {
                return here(&format!("has `{name}`, which was not expected"));
            }
            wish.iter().find_map(|(name, wish)| match found.get(name) {
                Some(own) => differs(own, wish, mode, &format!("{at}/{name}")),
                None => here(&format!("lacks `{name}`")),
            })
        }
        (Value::Array(found), Value::Array(wish)) if found.len() == wish.len() => {
            let mut pairs = found.iter().zip(wish).enumerate();
            pairs.find_map(|(nth, (own, wish))| differs(own, wish, mode, &format!("{at}/{nth}")))
        }
        _ if found == expected => None,
        _ => here(&format!("{found} is not {expected}")),
    }
}

/// Whether a text stands for others: `<any>` for anything, `...` for what was left out.
fn is_placeholder(wish: &str) -> bool {
    wish.contains("...") || wish.contains("<any>") || wish == "<32 hex, random>"
}

fn fits_text(found: &Value, wish: &str) -> bool {
    if wish == "<any>" {
        return true;
    }
    let Some(found) = found.as_str() else { return false };
    if wish == "<32 hex, random>" {
        return found.len() == 32 && found.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let wish = wish.replace("<any>", "...");
    let pieces: Vec<_> = wish.split("...").collect();
    let (first, last) = (pieces[0], pieces[pieces.len() - 1]);
    let inner = &pieces[1..pieces.len() - 1];
    let middle = found.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    let in_order =
        |rest: &str| inner.iter().try_fold(rest.to_owned(), |rest, piece| after(&rest, piece));
    middle.is_some_and(|middle| in_order(middle).is_some())
}

/// What follows the first time that `piece` is in `text`.
fn after(text: &str, piece: &str) -> Option<String> {
    text.split_once(piece).map(|(_, rest)| rest.to_owned())
}

/// Vectors that are not run: the words by which a case is known, and the reason.
pub(crate) struct SkippedVectors(pub(crate) &'static [(&'static str, &'static str)]);

impl SkippedVectors {
    /// The cases that are run. Each line of the list must be about one case that is there.
    #[track_caller]
    pub(crate) fn others<'a>(&self, cases: &'a Value, name: &str) -> Vec<&'a Value> {
        let of = |case: &Value| case[name].as_str().unwrap_or_default().to_owned();
        let all: Vec<_> = cases.as_array().unwrap().iter().collect();
        for (skipped, reason) in self.0 {
            let count = all.iter().filter(|case| of(case) == *skipped).count();
            assert!(count > 0 && !reason.is_empty(), "no vector is called {skipped}");
        }
        let is_run = |case: &&Value| self.0.iter().all(|(skipped, _)| of(case) != *skipped);
        all.into_iter().filter(is_run).collect()
    }
}

#[test]
fn an_exact_vector_allows_nothing_more_and_a_placeholder_nothing_empty() {
    use serde_json::json;
    let differs =
        |found: Value, wish: Value, mode: &str| difference(&found, &wish, &json!(mode)).is_some();
    for (found, wish, exact, subset) in [
        (json!({ "a": 1 }), json!({ "a": 1 }), false, false),
        (json!({ "a": 1, "b": null }), json!({ "a": 1 }), true, false),
        (json!({ "a": { "b": 1, "c": 2 } }), json!({ "a": { "b": 1 } }), true, false),
        (json!({}), json!({ "a": null }), true, true),
        (json!({ "a": "" }), json!({ "a": "<any>" }), true, true),
        (json!({ "a": [1] }), json!({ "a": [1, 2] }), true, true),
        (json!("x: a, b!"), json!("x...a...b!"), false, false),
        (json!("x: b, a"), json!("x...a...b"), true, true),
        (json!("Failed to connect"), json!("Failed<any>"), false, false),
        (json!("0123456789abcdef0123456789abcdef"), json!("<32 hex, random>"), false, false),
        (json!("0123"), json!("<32 hex, random>"), true, true),
    ] {
        assert_eq!(differs(found.clone(), wish.clone(), "exact"), exact, "{found} {wish}");
        assert_eq!(differs(found.clone(), wish.clone(), "subset"), subset, "{found} {wish}");
    }
}
