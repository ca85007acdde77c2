//! The place of a script as an event or a browser shows it.

use percent_encoding::percent_decode_str;

/// A line of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackFrame {
    /// The URL of the script, without its query and fragment.
    pub url: String,
    /// The line, from one.
    pub line: u32,
    /// The column, from one.
    pub column: u32,
}

impl StackFrame {
    /// The same with the URL as files are named: browsers write `[`, blanks and what is not ASCII as `%5B` and
    /// the like. None where that changes nothing.
    pub fn decoded(&self) -> Option<Self> {
        let url = percent_decode_str(&self.url).decode_utf8().ok()?.into_owned();
        (url != self.url).then_some(Self { url, ..*self })
    }

    /// Reads `URL:LINE:COLUMN`, alone or in a line of a stack such as `at f (URL:1:2)` or `f@URL:1:2`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches(')');
        let (rest, column) = text.rsplit_once(':')?;
        let (url, line) = rest.rsplit_once(':')?;
        let (line, column) = (line.parse().ok()?, column.parse().ok()?);
        let begins = |url: &str| url.rsplit(['(', ' ', '@']).next().unwrap_or(url).to_owned();
        // A path may hold any of these; a line of a stack has them before the scheme.
        let url = match url.find("://").map(|at| url[..at].rfind(['(', ' ', '@'])) {
            Some(Some(at)) => url[at + 1..].to_owned(),
            Some(None) => url.to_owned(),
            None => begins(url),
        };
        let url = url.split(['?', '#']).next().unwrap_or_default().to_owned();
        (line > 0 && column > 0 && !url.is_empty()).then_some(Self { url, line, column })
    }

    /// The URL with `~` for its host, as bundles have it.
    pub fn any_host(&self) -> String {
        match self.url.split_once("://") {
            Some((_, rest)) => format!("~/{}", rest.split_once('/').map_or("", |(_, path)| path)),
            None => self.url.clone(),
        }
    }

    /// How well a file fits by its path below a folder: the longer the path, the better; `None` where
    /// the URL does not end with it.
    pub fn fit(&self, below: &str) -> Option<usize> {
        let rest = self.url.strip_suffix(below)?;
        (rest.is_empty() || rest.ends_with('/')).then_some(below.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_out_of_any_line_of_a_stack() {
        for (text, url, any_host) in [
            ("https://x.io/js/a.js:1:22", "https://x.io/js/a.js", "~/js/a.js"),
            ("    at f (https://x.io/js/a.js?v=1:1:22)", "https://x.io/js/a.js", "~/js/a.js"),
            ("f@https://x.io:8080/a@b/a.js:1:22", "https://x.io:8080/a@b/a.js", "~/a@b/a.js"),
            ("app:///a b/a.js:1:22", "app:///a b/a.js", "~/a b/a.js"),
            ("at /srv/dist/a.js:1:22", "/srv/dist/a.js", "/srv/dist/a.js"),
            ("~/js/a.js:1:22", "~/js/a.js", "~/js/a.js"),
        ] {
            let frame = StackFrame::parse(text).expect(text);
            assert_eq!((frame.line, frame.column), (1, 22));
            assert_eq!((frame.url.as_str(), frame.any_host().as_str()), (url, any_host));
        }
        for text in ["a.js", "a.js:1", "a.js:0:1", ":1:2", "a.js:x:1", ""] {
            assert_eq!(StackFrame::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_url_of_a_browser_is_decoded_once() {
        let decoded = |url: &str| {
            let frame = StackFrame::parse(&format!("{url}:3:4")).expect("a frame");
            frame.decoded().map(|frame| (frame.url, frame.line, frame.column))
        };
        let (before, after) = ("https://x.io/%5Bid%5D/%C3%A9%20a.js", "https://x.io/[id]/é a.js");
        assert_eq!(decoded(before), Some((after.to_owned(), 3, 4)));
        assert_eq!(decoded("/a%2525.js"), Some(("/a%25.js".to_owned(), 3, 4)));
        for same in ["https://x.io/[id].js", "/a%.js", "/a%ff.js", "/a+b.js"] {
            assert_eq!(decoded(same), None, "{same}");
        }
    }

    #[test]
    fn a_file_fits_by_the_end_of_the_url() {
        let frame = StackFrame::parse("https://x.io/static/js/a.js:1:1").expect("a frame");
        assert_eq!(frame.fit("js/a.js"), Some(7));
        assert_eq!(frame.fit("a.js"), Some(4));
        assert_eq!(frame.fit("s/a.js"), None);
        assert_eq!(frame.fit("b.js"), None);
    }
}
