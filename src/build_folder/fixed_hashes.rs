//! Hashes of a changed file that stay what they are: parts of the names of files, and those of a file at
//! another address.

use super::hash_words::hex_word;
use memchr::memmem;
use std::ops::Range;

/// How far a tag, or what stands before a hash in a script, is looked through.
const WINDOW: usize = 2_000;

/// Who serves the files of others, under the names that these have anywhere.
const PUBLIC_HOSTS: [&str; 12] = [
    "ajax.aspnetcdn.com",
    "ajax.googleapis.com",
    "cdn.jsdelivr.net",
    "cdn.skypack.dev",
    "cdnjs.cloudflare.com",
    "code.jquery.com",
    "esm.sh",
    "ga.jspm.io",
    "maxcdn.bootstrapcdn.com",
    "stackpath.bootstrapcdn.com",
    "unpkg.com",
    "www.gstatic.com",
];

/// The hashes in the name of a file.
pub(super) fn in_name(name: &str) -> impl Iterator<Item = Vec<u8>> {
    let words = name.split(|character: char| !character.is_ascii_hexdigit());
    words.filter_map(|word| Some(hex_word(word.as_bytes(), &(0..word.len()))?.digest))
}

/// Whether the hash at this place of a text is that of another file than the one of this name: the tag, or what
/// stands before it in a script, has the address of one.
pub(super) fn is_elsewhere(
    text: &[u8],
    place: &Range<usize>,
    is_name: impl Fn(&str) -> bool,
) -> bool {
    let start = place.start.saturating_sub(WINDOW);
    let before = &text[start..place.start];
    let tag = before.iter().rposition(|byte| matches!(byte, b'<' | b'>'));
    let part = match tag.filter(|at| before[*at] == b'<') {
        Some(at) => {
            let behind = &text[place.end..text.len().min(place.end + WINDOW)];
            let end = behind.iter().position(|byte| *byte == b'>').unwrap_or(behind.len());
            &text[start + at..place.end + end]
        }
        None => {
            let is_end = |byte: &u8| matches!(byte, b';' | b'\n');
            &before[before.iter().rposition(is_end).map_or(0, |at| at + 1)..]
        }
    };
    let part = String::from_utf8_lossy(part).replace("\\/", "/");
    names_another(&part, is_name)
}

/// Whether the last file that an address in a text is of has another name, or is one of others.
fn names_another(text: &str, is_name: impl Fn(&str) -> bool) -> bool {
    let hosts = memmem::rfind_iter(text.as_bytes(), "//").filter(|at| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|before| matches!(before, ':' | '"' | '\'' | '`' | '=' | ' '))
    });
    let files = hosts.filter_map(|at| {
        let is_end =
            |character: char| character.is_whitespace() || "\"'`\\<>()?#,".contains(character);
        let address = text[at + 2..].split(is_end).next()?;
        let (host, path) = address.split_once('/')?;
        let name = path.rsplit('/').next()?;
        [".js", ".mjs", ".cjs", ".css"]
            .iter()
            .any(|end| name.ends_with(end))
            .then_some((host, name))
    });
    let is_other = |(host, name): (&str, &str)| !is_name(name) || PUBLIC_HOSTS.contains(&host);
    files.map(is_other).next().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_found_in_names_however_these_are_put_together() {
        let hash = "0123456789abcdef0123456789abcdef";
        for name in [format!("app.{hash}.js"), format!("{hash}-app.js"), hash.to_uppercase()] {
            assert_eq!(in_name(&name).map(|one| one[0..2].to_vec()).collect::<Vec<_>>(), [[1, 35]]);
        }
        for name in [format!("{hash}0.js"), "app.0123abcd.js".to_owned(), "é".to_owned()] {
            assert_eq!(in_name(&name).count(), 0, "{name}");
        }
    }

    #[test]
    fn an_address_with_another_name_or_of_a_public_host_tells_that_the_file_is_not_ours() {
        for (text, expected) in [
            ("<script src=\"https://cdn.io/lib-3.7.js\" integrity=\"HASH\">", true),
            ("<script integrity=HASH\n src=//cdn.io/lib-3.7.js>", true),
            ("<script src=https://unpkg.com/lib@3/lib.js integrity=HASH>", true),
            ("load(\"https:\\/\\/cdn.io\\/lib-3.7.js\",{integrity:\"HASH\"})", true),
            ("<script src=https://cdn.acme.io/x/lib.js?v=1 integrity=HASH>", false),
            ("<script src=/vendor/lib.js integrity=HASH>", false),
            ("<a href=https://cdn.io/lib-3.7.js></a><script src=lib.js integrity=HASH>", false),
            ("p=\"https://cdn.io/\",h={1:\"HASH\"}", false),
            ("// https://cdn.io/lib-3.7.js\nh={1:\"HASH\"}", false),
            ("HASH", false),
        ] {
            let at = text.find("HASH").expect("the hash");
            let found = is_elsewhere(text.as_bytes(), &(at..at + 4), |name| name == "lib.js");
            assert_eq!(found, expected, "{text}");
        }
    }
}
