//! The scripts inside of pages. A policy has the hash of each, so that one in which a hash is renewed is a
//! changed file of its own: it is known by a path below its page that no file can have.

use super::wide_text::WideText;
use memchr::memmem;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// What no name of a file has.
const MARK: &str = "\0";

/// The path of a page's script, by its number among [`inline_scripts`].
pub(super) fn inline_path(page: &Path, number: usize) -> PathBuf {
    page.join(format!("{MARK}{number}"))
}

/// The page of such a path, and the number.
pub(super) fn page_of(path: &Path) -> Option<(&Path, usize)> {
    let number = path.file_name()?.to_str()?.strip_prefix(MARK)?;
    Some((path.parent()?, number.parse().ok()?))
}

/// The file on disk that a path means.
pub(super) fn on_disk(path: PathBuf) -> PathBuf {
    page_of(&path).map(|(page, _)| page.to_owned()).unwrap_or(path)
}

/// The texts of the scripts in a page as a browser hashes them, and as they stand there.
pub(super) fn inline_scripts(page: &[u8]) -> Vec<Vec<u8>> {
    let page = match WideText::of(page) {
        Some(wide) => Cow::Owned(wide.decoded(page).into_bytes()),
        None => Cow::Borrowed(page),
    };
    let mut scripts: Vec<Vec<u8>> = Vec::new();
    for text in ScriptReader(&page) {
        let lines = with_line_feeds(text);
        scripts.extend((lines != text).then_some(lines));
        scripts.push(text.to_vec());
    }
    scripts
}

/// A text as a browser reads it, whose lines all end in one way.
fn with_line_feeds(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\r' if text.get(at + 1) == Some(&b'\n') => {}
            b'\r' => lines.push(b'\n'),
            other => lines.push(*other),
        }
    }
    lines
}

/// Goes from script to script; it has what is not read yet.
struct ScriptReader<'a>(&'a [u8]);

impl<'a> Iterator for ScriptReader<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let rest = &self.0[memchr::memchr(b'<', self.0)?..];
            if let Some(comment) = rest.strip_prefix(b"<!--") {
                self.0 = &comment[memmem::find(comment, b"-->")?..];
                continue;
            }
            self.0 = &rest[1..];
            if let Some((text, name)) = raw_text(self.0) {
                self.0 = &text[raw_text_end(text, name)?..];
                continue;
            }
            let Some(tag) = behind_name(self.0, b"script") else { continue };
            let text = &tag[tag_end(tag)?..];
            let end = script_end(text)?;
            self.0 = &text[end..];
            return Some(&text[..end]);
        }
    }
}

/// Elements in which a browser reads text and no tags.
const RAW_TEXTS: [&[u8]; 7] =
    [b"title", b"textarea", b"style", b"xmp", b"iframe", b"noembed", b"noframes"];

/// The text behind the tag of such an element, and its name.
fn raw_text(text: &[u8]) -> Option<(&[u8], &'static [u8])> {
    let found = RAW_TEXTS.iter().find_map(|name| Some((behind_name(text, name)?, *name)));
    found.and_then(|(tag, name)| Some((&tag[tag_end(tag)?..], name)))
}

fn raw_text_end(text: &[u8], name: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'<', text).find(|at| {
        text[at + 1..].strip_prefix(b"/").is_some_and(|rest| behind_name(rest, name).is_some())
    })
}

/// Where the text of a script ends. Behind `<!--` a script in it has an end of its own.
fn script_end(text: &[u8]) -> Option<usize> {
    let (mut is_comment, mut is_nested) = (false, false);
    for at in memchr::memchr2_iter(b'<', b'-', text) {
        let (rest, tag) = (&text[at..], &text[at + 1..]);
        if rest.starts_with(b"<!--") {
            is_comment = true;
        } else if rest.starts_with(b"-->") {
            (is_comment, is_nested) = (false, false);
        } else if rest.starts_with(b"<") && behind_name(tag, b"/script").is_some() {
            if !std::mem::take(&mut is_nested) {
                return Some(at);
            }
        } else if is_comment && rest.starts_with(b"<") && behind_name(tag, b"script").is_some() {
            is_nested = true;
        }
    }
    None
}

/// What stands behind the name of a tag, in any letter case.
fn behind_name<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(name.len())?;
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
    (start.eq_ignore_ascii_case(name) && rest.first().is_some_and(ends)).then_some(rest)
}

/// Where the text of an element begins, behind the attributes.
fn tag_end(attributes: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in attributes.iter().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(page: &str) -> Vec<String> {
        let texts = inline_scripts(page.as_bytes()).into_iter();
        texts.map(|text| String::from_utf8(text).unwrap()).collect()
    }

    #[test]
    fn a_tag_in_a_text_is_none_and_a_script_in_a_comment_of_a_script_does_not_end_it() {
        for (page, found) in [
            ("<title><script></title><script>a</script>", &["a"][..]),
            ("<TEXTAREA rows='>'><script></Textarea ><script>a</script>", &["a"]),
            ("<style>p{}</style><titles><script>a</script>", &["a"]),
            ("<script><!--<script>a</script>--></script>b", &["<!--<script>a</script>-->"]),
            ("<script><!--a</script>b</script>", &["<!--a"]),
            ("<script><!--><script>a</script>b</script>", &["<!--><script>a"]),
            ("<script>a--><script>b</script>", &["a--><script>b"]),
            ("<title><script>a</script>", &[]),
        ] {
            assert_eq!(scripts(page), found, "{page}");
        }
    }

    #[test]
    fn a_script_is_what_stands_between_its_tags() {
        for (page, found) in [
            ("<script>a</script>", vec!["a"]),
            ("<SCRIPT type=module data-a='>' >a<b</Script ><script\n>c</script>", vec!["a<b", "c"]),
            ("<!-- <script> --><script src=x></script><p><scripts>x", vec![""]),
            ("<script>a\r\nb\rc</script>", vec!["a\nb\nc", "a\r\nb\rc"]),
            ("<script>a</scripts></script>", vec!["a</scripts>"]),
            ("<script", vec![]),
            ("<script>a", vec![]),
            ("<script a='", vec![]),
            ("<!-- <script>a</script>", vec![]),
        ] {
            assert_eq!(scripts(page), found, "{page}");
        }
    }

    #[test]
    fn a_page_in_utf_16_has_the_scripts_of_its_text() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let page = [vec![0xff, 0xfe], wide("<script>é</script>")].concat();
        assert_eq!(inline_scripts(&page), ["é".as_bytes()]);
    }

    #[test]
    fn a_script_is_known_by_its_page() {
        let path = inline_path(Path::new("dist/index.html"), 2);
        assert_eq!(page_of(&path), Some((Path::new("dist/index.html"), 2)));
        assert_eq!(page_of(Path::new("dist/index.html")), None);
        assert_eq!(on_disk(path), Path::new("dist/index.html"));
    }
}
