//! A text that does not print.

use secrecy::{ExposeSecret, SecretString};
use std::fmt;

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

/// Somebody else's words with `***` for what they quote of these secrets. As with masks, one that
/// is too short stays: it would be found everywhere.
pub fn without(words: &str, secrets: &[String]) -> String {
    let lines = secrets.iter().flat_map(|secret| secret.lines()).map(str::trim);
    let mut lines: Vec<_> = lines.filter(|line| line.chars().count() >= 4).collect();
    // One may be a part of another.
    lines.sort_by_key(|line| std::cmp::Reverse(line.len()));
    lines.into_iter().fold(words.to_owned(), |words, line| words.replace(line, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_of_words_line_by_line() {
        let secrets = ["k3y1", "-k3y1-\nl1ne2\n}", "no"].map(str::to_owned);
        let words = without("no: -k3y1- l1ne2 and k3y1}", &secrets);
        assert_eq!(words, "no: *** *** and ***}");
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::from("s3cr3t")), "***");
    }
}
