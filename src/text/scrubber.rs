//! Secrets taken out of texts: whole, or any eight characters of one, in whatever spelling.
//!
//! The texts are short and the secrets may be long, so the pieces of the texts are indexed and the
//! secrets run past them: one pass over each, whatever their sizes.

use super::pieces::{PIECE, PieceIndex, SHORTEST, TextPiece, find_in_part, folded, pieces};
use super::spelling::{SpelledChar, readings};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// What is in many secrets, and in many other texts, and tells nothing of any.
const PUBLIC: [&str; 21] = [
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "-----BEGIN EC PRIVATE KEY-----",
    "-----END EC PRIVATE KEY-----",
    "-----BEGIN CERTIFICATE-----",
    "-----END CERTIFICATE-----",
    "application",
    "authorization",
    "development",
    "environment",
    "integrations",
    "org:integrations",
    "organizations",
    "production",
    "project:admin",
    "project:read",
    "project:releases",
    "repositories",
    "repository",
];

/// The secrets of a run, and what is none of them although it may be a part of one.
#[derive(Default)]
struct KnownTexts {
    secrets: BTreeSet<String>,
    public: BTreeSet<String>,
}

/// Takes the secrets of a run out of whatever it shows. Clones share what they know.
#[derive(Clone, Default)]
pub struct SecretScrubber(Arc<Mutex<KnownTexts>>);

impl SecretScrubber {
    /// Adds secrets, and texts that are shown although a part of a secret is like them.
    pub fn learn(&self, secrets: &[String], public: &[String]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.secrets.extend(secrets.iter().cloned());
        known.public.extend(public.iter().cloned());
    }

    /// Whether the text has anything of the secrets.
    pub fn hides(&self, text: &str) -> bool {
        let mut shown = text.to_owned();
        self.scrub([&mut shown]);
        shown != text
    }

    /// Puts `***` in place of what the texts have of the secrets.
    pub fn scrub<'t>(&self, texts: impl IntoIterator<Item = &'t mut String>) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.secrets.is_empty() {
            scrub(&mut texts.into_iter().collect::<Vec<_>>(), &known.secrets, &known.public);
        }
    }
}

fn scrub(texts: &mut [&mut String], secrets: &BTreeSet<String>, public: &BTreeSet<String>) {
    let shorts = short_pieces(secrets);
    let mut index = PieceIndex::default();
    // What is read of a text takes many times its size, so that it is read again where it is hidden.
    for reading in texts.iter().flat_map(|text| readings(text)) {
        pieces(&reading, &shorts, |piece, _| index.insert(piece));
    }
    index.build_filter();
    let mut found = HashSet::new();
    for secret in secrets {
        find_in_secret(secret, &index, &mut found);
    }
    found.extend(shorts.iter().copied());
    if found.is_empty() {
        return;
    }
    let mut shown = HashSet::new();
    for text in PUBLIC.into_iter().chain(public.iter().map(String::as_str)) {
        pieces(&readings(text)[0], &shorts, |piece, _| {
            shown.insert(piece);
        });
    }
    for text in texts {
        hide(text, &readings(text), &shorts, (&found, &shown));
    }
}

/// Hides what is found and not to be shown, and what goes on from there, though it ends like a public
/// text.
fn hide(
    text: &mut String,
    readings: &[Vec<SpelledChar>],
    shorts: &HashSet<TextPiece>,
    (found, public): (&HashSet<TextPiece>, &HashSet<TextPiece>),
) {
    let mut hidden = vec![false; text.len()];
    for reading in readings {
        let mut last_end = 0;
        pieces(reading, shorts, |piece, range| {
            let goes_on = last_end + 1 == range.end && last_end > 0;
            let is_hidden = found.contains(&piece)
                && (goes_on || !public.contains(&piece))
                && !is_part_of_word(piece, reading, &range);
            if is_hidden {
                hidden[reading[range.start].at.start..reading[range.end - 1].at.end].fill(true);
                last_end = range.end;
            }
        });
    }
    let mut shown = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match hidden[at] {
            true if at == 0 || !hidden[at - 1] => shown.push_str("***"),
            true => {}
            false => shown.push(c),
        }
    }
    *text = shown;
}

/// Whether a short secret that is a word is only a part of a longer word here.
fn is_part_of_word(piece: TextPiece, text: &[SpelledChar], range: &Range<usize>) -> bool {
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| text.get(at)).is_some_and(|one| one.char.is_alphabetic())
    };
    matches!(piece, TextPiece::Plain(length, _) if usize::from(length) < PIECE)
        && range.clone().all(|at| is_letter(Some(at)))
        && (is_letter(range.start.checked_sub(1)) || is_letter(Some(range.end)))
}

/// The secrets, and lines of secrets, that are looked for as a whole.
fn short_pieces(secrets: &BTreeSet<String>) -> HashSet<TextPiece> {
    let lines = secrets.iter().flat_map(|secret| secret.lines()).map(str::trim);
    let short = |line: &str| {
        let length = line.chars().take(PIECE).count();
        let value = line.chars().take(PIECE).fold(0, |value, c| value << 8 | u64::from(folded(c)));
        let piece = TextPiece::Plain(u8::try_from(length).unwrap_or_default(), value);
        (SHORTEST..PIECE).contains(&length).then_some(piece)
    };
    lines.filter_map(short).collect()
}

/// Finds the pieces of a text that a secret has. Of JSON the values are secret, and not the names.
fn find_in_secret(secret: &str, index: &PieceIndex, found: &mut HashSet<TextPiece>) {
    if secret.trim_start().starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str::<Value>(secret)
    {
        return find_in_json(&json, index, found);
    }
    without_schemes(secret).into_iter().for_each(|part| find_in_part(part, index, found));
    // A secret that is escaped itself is shown without its escapes, too.
    for line in secret.lines().filter(|line| line.contains(['%', '\\', '&'])) {
        for reading in readings(line).iter().skip(1) {
            let text: String = reading.iter().map(|one| one.char).collect();
            without_schemes(&text).into_iter().for_each(|part| find_in_part(part, index, found));
        }
    }
}

fn find_in_json(json: &Value, index: &PieceIndex, found: &mut HashSet<TextPiece>) {
    match json {
        Value::String(text) => find_in_secret(text, index, found),
        Value::Array(items) => items.iter().for_each(|item| find_in_json(item, index, found)),
        Value::Object(fields) => fields.values().for_each(|one| find_in_json(one, index, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Many addresses begin alike: a secret one is known by what stands behind its scheme, or where
/// that is too short by its end.
fn without_schemes(secret: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), secret);
    while let Some((at, end)) = find_scheme(rest) {
        parts.push(&rest[..at]);
        let ends = rest.char_indices().rev().nth(PIECE - 1).map_or(0, |(at, _)| at);
        rest = &rest[end.min(ends)..];
        if ends < end {
            break;
        }
    }
    parts.push(rest);
    parts
}

fn find_scheme(text: &str) -> Option<(usize, usize)> {
    text.match_indices("http").find_map(|(at, _)| {
        let scheme = ["https://", "http://"].into_iter().find(|one| text[at..].starts_with(one));
        Some((at, at + scheme?.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hex;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    fn redact(text: &str, secrets: &[&str], public: &[&str]) -> String {
        let [secrets, public] = [secrets, public]
            .map(|all| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        let scrubber = SecretScrubber::default();
        scrubber.learn(&secrets, &public);
        let mut text = text.to_owned();
        scrubber.scrub([&mut text]);
        text
    }

    const SECRET: &str = "a/b+c'd\"e f<0123456789&Ünder>x%41\\z_Q";

    fn url(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    fn json(text: &str) -> String {
        text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
    }

    /// A text as a JSON text has it, without its quotes.
    fn quoted(text: &str) -> String {
        let text = Value::from(text).to_string();
        text[1..text.len() - 1].to_owned()
    }

    /// Every spelling that the docs name.
    fn spellings(text: &str) -> [String; 18] {
        let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        [
            text.to_owned(),
            text.to_uppercase(),
            text.to_lowercase(),
            url(text),
            url(text).to_lowercase(),
            url(&url(text)),
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            quoted(text).replace('/', "\\/"),
            quoted(&quoted(text)),
            quoted(text),
            json(text),
            json(text).to_uppercase().replace("\\U", "\\u"),
            json(&url(text)),
            text.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
            html.replace('"', "&quot;").replace('\'', "&#x27;"),
            text.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
            text.chars().map(|c| format!("\u{200b}{c}")).collect(),
            text.escape_debug().to_string(),
        ]
    }

    /// Each of these is hidden as a whole.
    #[track_caller]
    fn assert_hidden(texts: &[String]) {
        let text: String = texts.iter().map(|text| format!("({text})")).collect();
        let shown = redact(&text, &[SECRET], &[]).replace('\u{200b}', "");
        assert_eq!(shown, "(***)".repeat(texts.len()), "{text}");
    }

    #[test]
    fn any_eight_characters_are_found_in_every_spelling() {
        let chars: Vec<_> = SECRET.chars().collect();
        for run in chars.windows(PIECE) {
            assert_hidden(&spellings(&run.iter().collect::<String>()));
        }
    }

    #[test]
    fn any_eight_digits_are_found_of_base64_at_any_alignment_and_sixteen_of_hex() {
        let runs = |text: &str, length: usize| -> Vec<String> {
            (0..=text.len() - length).map(|at| text[at..at + length].to_owned()).collect()
        };
        for before in ["", "a", "ab"] {
            let bytes = format!("{before}{SECRET}");
            let first = if before.is_empty() { 0 } else { 4 };
            for text in [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)] {
                assert_hidden(&runs(&text[first..bytes.len() / 3 * 4], PIECE));
            }
        }
        let digits = hex(SECRET.as_bytes());
        assert_hidden(&runs(&digits, 2 * PIECE));
        assert_hidden(&runs(&digits.to_uppercase(), 2 * PIECE));
    }

    #[test]
    fn what_is_no_part_of_a_secret_stays() {
        let secret = "https://hooks.example/0123456789-production-key";
        for text in [
            "https://sentry.test says https://hooks.x and production, 0123456",
            "deploy to production",
            "aHR0cHM6Ly9zZW50cnk=",
        ] {
            assert_eq!(redact(text, &[secret, "-----BEGIN RSA PRIVATE KEY-----\nx"], &[]), text);
        }
        let text = "acme-web-app at acme-web-app/k3y-0123456";
        let public = ["https://x/acme-web-app/"];
        assert_eq!(
            redact(text, &["acme-web-app/k3y-0123456"], &public),
            "acme-web-app at acme-w***"
        );
        for (text, shown) in [("<k3y-12345678>", "<***>"), ("run 12345678", "run 12345678")] {
            assert_eq!(redact(text, &["k3y-12345678"], &["https://x/runs/12345678"]), shown);
        }
        let json = r#"{"client_email": "ab-0123456789", "type": "service_account"}"#;
        assert_eq!(redact("client_email: ab-0123456789", &[json], &[]), "client_email: ***");
    }

    #[test]
    fn a_short_secret_is_found_as_a_whole_and_a_word_of_letters_as_a_word() {
        let secrets = ["k3y1", "-k3y1-\nl1ne2\n}", "no", "Demo"];
        let shown = redact("no: -k3y1- L1NE2 and k3y1}, democracy or demo", &secrets, &[]);
        assert_eq!(shown, "no: ***and ***}, democracy or ***");
        assert_eq!(redact("a demo", &secrets, &["demo.example"]), "a demo");
        assert_eq!(redact("http://a.b/x7q", &["http://a.b/x7q"], &[]), "http:/***");
    }

    #[test]
    fn overlapping_secrets_are_one_trace_and_characters_outside_of_ascii_are_whole() {
        let chain = ["aaaabbbbccccdddd", "bbbbccccxxxx"];
        assert_eq!(redact("<aaaabbbbccccxxxx>", &chain, &[]), "<***>");
        assert_eq!(redact("ééééééééé x éééééé", &["éééééééé"], &[]), "*** x éééééé");
    }

    #[test]
    fn a_secret_of_many_lines_is_read_once() {
        let lines: String = (0..130_000).map(|n| format!("line-{n:07}-{:x}\n", n * 7919)).collect();
        let mut text = "<line-0129999> and words that are no part of it".repeat(40);
        let scrubber = SecretScrubber::default();
        scrubber.learn(&[lines], &[]);
        scrubber.scrub([&mut text]);
        assert!(text.starts_with("<***> and words that"), "{text}");
    }
}
