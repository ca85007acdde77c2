//! What compilers and minifiers write in a form of their own does not make a map that of another script.

use crate::support::build_folder::{identity_map, sourcemaps, write};
use crate::support::run::ProgramRun;
use serde_json::json;

const LINES: usize = 40;

/// Numbered lines of a form, in which `#` stands for the number.
fn lines(form: &str) -> String {
    (1..=LINES).map(|at| form.replace('#', &at.to_string()) + "\n").collect()
}

/// A run over a script whose lines are of one form, and come from lines of another.
fn built(script: &str, source: &str) -> ProgramRun {
    let run = sourcemaps();
    write(&run, "dist/a.js", format!("{}//# sourceMappingURL=a.js.map\n", lines(script)));
    write(&run, "dist/a.js.map", identity_map("../src/a.ts", &lines(source)));
    run
}

#[test]
fn a_compilers_statement_around_a_word_is_no_other_word() {
    for (script, source) in [
        ("ErrorCode[ErrorCode[\"M#\"] = #] = \"M#\";", "M# = #,"),
        ("ErrorCode[\"M#\"] = \"m#\";", "M# = 'm#',"),
        (
            "Object.defineProperty(exports, \"v#\", { enumerable: true, get: function () { return vals_1.v#; } });",
            "v#,",
        ),
        ("module_1.start#()", "start#()"),
        ("react_1.default.start#()", "React.start#()"),
        (
            "Promise.resolve().then(t.bind(t,#))",
            "import(/* webpackMode: \"eager\" */ \"./m#.js\");",
        ),
    ] {
        let ended = built(script, source).execute().expect(0);
        assert!(!ended.stderr.contains("does not fit"), "{script}: {}", ended.stderr);
    }
}

#[test]
fn a_statement_around_another_word_is_of_another_script() {
    for (script, source) in [
        ("ErrorCode[ErrorCode[\"M#\"] = #] = \"M#\";", "Other# = #,"),
        ("module_1.start#()", "finish#()"),
    ] {
        let ended = built(script, source).execute().expect(2);
        assert!(ended.stderr.contains("is not of this script"), "{}", ended.stderr);
    }
}

#[test]
fn numbers_are_compared_by_their_value_and_not_by_their_digits() {
    for (script, source, is_right) in [
        ("#1e3,", "#1000,", true),
        ("#1e3,", "#1_000,", true),
        ("4660,", "0x1234,", true),
        ("4660n,", "0x1234n,", true),
        ("#1e3,", "#2000,", false),
        ("#1e3,", "#0 * 100 + 60 * 1000,", true),
        ("#1e3,", "Limits.of#,", true),
    ] {
        let exit = if is_right { 0 } else { 2 };
        built(script, source).execute().expect(exit);
    }
}

/// A value of `mappings`.
fn encoded(value: i64) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rest = value.unsigned_abs() << 1 | u64::from(value < 0);
    let mut text = String::new();
    while text.is_empty() || rest > 0 {
        let more = if rest > 31 { 32 } else { 0 };
        text.push(char::from(DIGITS[usize::try_from(rest & 31 | more).unwrap()]));
        rest >>= 5;
    }
    text
}

/// A place in each line of a script, which leads to a line and a column and has the first name.
fn leading(places: &[(i64, i64)]) -> String {
    let mut last = (0, 0);
    let segments = places.iter().map(|place| {
        let steps = [0, 0, place.0 - last.0, place.1 - last.1, 0];
        last = *place;
        steps.map(encoded).concat()
    });
    segments.collect::<Vec<_>>().join(";")
}

/// As Vue counts the columns of an expression of several lines: from where its first line begins.
#[test]
fn columns_that_go_on_over_the_lines_below_are_those_of_the_source() {
    for mark in ["", "é"] {
        let line = format!("<a :class=\"{{{mark}");
        let source = format!("let active;\n{line}\n  'is-active': active }}\">\n");
        let column =
            i64::try_from(line.encode_utf16().count() + "\n  'is-active': ".len()).unwrap();
        for (column, name, is_right) in
            [(column, "active", true), (column + 1, "active", false), (column, "other", false)]
        {
            let run = sourcemaps();
            write(&run, "dist/a.js", "e;\nf;\ng;\n//# sourceMappingURL=a.js.map\n");
            let map = json!({
                "version": 3, "sources": ["../a.vue"], "sourcesContent": [source], "names": [name],
                "mappings": leading(&[(0, 4), (1, 3), (1, column)]),
            });
            write(&run, "dist/a.js.map", map.to_string());
            let ended = run.execute().expect(if is_right { 0 } else { 2 });
            let words = "holds another text of `../a.vue`";
            assert_eq!(ended.stderr.contains(words), !is_right, "{name}: {}", ended.stderr);
        }
    }
}
