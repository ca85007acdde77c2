//! What is read of a page of HTML for a person. Its text is hostile.

/// The longest text that is shown.
const LONGEST: usize = 300;

/// The page's title, on one line; empty when it has none.
pub(crate) fn title(html: &str) -> String {
    // A tag may be written in capitals; no letter changes its length here.
    let lower = html.to_ascii_lowercase();
    let range = lower.find("<title").and_then(|at| {
        let from = at + lower[at..].find('>')? + 1;
        Some(from..from + lower[from..].find("</title")?)
    });
    range.map(|range| words(&html[range])).unwrap_or_default()
}

/// The text of some HTML: one line without tags, the usual entities read, and short.
pub(crate) fn words(html: &str) -> String {
    let (mut text, mut in_tag) = (String::new(), false);
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            _ if in_tag => {}
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    let read = entities.iter().fold(text, |text, (entity, c)| text.replace(entity, c));
    let words: Vec<_> = read.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_read_as_it_is_written() {
        for (html, expected) in [
            ("<html><TITLE>Access\r\n Denied</TITLE>", "Access Denied"),
            ("<title lang=\"en\">a &amp; b</title>", "a & b"),
            ("<title>no end", ""),
            ("<p>none</p>", ""),
            ("İ<title>é</title>", "é"),
        ] {
            assert_eq!(title(html), expected, "{html}");
        }
    }
}
