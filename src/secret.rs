//! A text that does not print.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::fmt;
use std::ops::Range;
use url::form_urlencoded;

/// A secret: its `Debug` is `***`, and memory is wiped when it goes.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The text itself. Every call is a place to look at in review.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A prefix this long counts as a truncated quote of the secret.
const MIN_PREFIX: usize = 8;

/// Somebody else's words with `***` for what they quote of these secrets: whole, as an address or
/// JSON would write them, or cut. As with masks, one that is too short stays: it would be found
/// everywhere.
pub fn redact(words: &str, secrets: &[String]) -> String {
    let lines = secrets.iter().flat_map(|secret| secret.lines()).map(str::trim);
    let lines = lines.filter(|line| line.chars().count() >= 4);
    let mut hidden = vec![false; words.len()];
    for spelling in lines.flat_map(spellings) {
        matches(words, &spelling).for_each(|quote| hidden[quote].fill(true));
    }
    let mut shown = String::new();
    for (at, c) in words.char_indices() {
        match hidden[at] {
            true if at == 0 || !hidden[at - 1] => shown.push_str("***"),
            true => {}
            false => shown.push(c),
        }
    }
    shown
}

fn spellings(line: &str) -> [String; 4] {
    let json = Value::from(line).to_string();
    let encoded = form_urlencoded::byte_serialize(line.as_bytes()).collect();
    [line.to_owned(), json[1..json.len() - 1].to_owned(), encoded, line.escape_debug().to_string()]
}

/// Where a spelling is quoted, as a whole or cut. Quotes may overlap: secrets can begin alike.
fn matches(words: &str, spelling: &str) -> impl Iterator<Item = Range<usize>> {
    // Many addresses begin alike.
    let from = spelling.find("://").map_or(0, |at| at + 3);
    let end = spelling[from..].char_indices().nth(MIN_PREFIX);
    let head = &spelling[..end.map_or(spelling.len(), |(at, _)| from + at)];
    let starts = words.char_indices().filter(move |(at, _)| words[*at..].starts_with(head));
    starts.map(move |(at, _)| {
        let alike =
            words[at..].chars().zip(spelling.chars()).take_while(|(one, other)| one == other);
        at..at + alike.map(|(c, _)| c.len_utf8()).sum::<usize>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_of_words_line_by_line() {
        let secrets = ["k3y1", "-k3y1-\nl1ne2\n}", "no"].map(str::to_owned);
        let words = redact("no: -k3y1- l1ne2 and k3y1}", &secrets);
        assert_eq!(words, "no: *** *** and ***}");
    }

    #[test]
    fn secrets_are_known_cut_and_in_other_spellings() {
        let secrets = ["a/b+c'd\"e f-0123456789".to_owned()];
        for words in [
            "a/b+c'd\"e f-0123456789",
            "a/b+c'd\"e",
            "a%2Fb%2Bc%27d%22e+f-0123456789",
            "a/b+c'd\\\"e f-01",
            "a/b+c\\'d\\\"e f-0123456789",
        ] {
            assert_eq!(redact(&format!("<{words}>"), &secrets), "<***>", "{words}");
        }
        let hook = ["https://hooks.example/0123456789".to_owned()];
        let words = redact("https://sentry.example says https://hooks.exam", &hook);
        assert_eq!(words, "https://sentry.example says ***");
        assert_eq!(redact("ééééééééé x éééééé", &["éééééééé".to_owned()]), "*** x éééééé");
    }

    #[test]
    fn secrets_that_begin_alike_or_overlap_hide_each_other_not() {
        let tokens = ["sntrys_eyJpYXQi_first".to_owned(), "sntrys_eyJpYXQi_the-second".to_owned()];
        for token in &tokens {
            assert_eq!(redact(&format!("<{token}>"), &tokens), "<***>");
        }
        let chain = ["aaaabbbbccccdddd".to_owned(), "bbbbccccxxxx".to_owned()];
        assert_eq!(redact("<aaaabbbbccccxxxx>", &chain), "<***>");
        assert_eq!(redact("<aaaaaaaaaab>", &["aaaaaaaab".to_owned()]), "<***>");
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::from("s3cr3t")), "***");
    }
}
