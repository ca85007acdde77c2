//! Texts of others made harmless: nothing in them is a line end, a command of any CI host, or a
//! character that nobody sees.

/// Words that GitLab and Travis look for, and no person writes.
const FOLDS: [&str; 4] = ["section_start:", "section_end:", "travis_fold:", "travis_time:"];

/// What begins a heading of Buildkite's log.
const HEADINGS: [&str; 4] = ["---", "+++", "~~~", "^^^"];

/// Somebody's words as one line in which no terminal and no host finds anything to obey, wherever
/// it is printed.
pub fn one_line(words: &str) -> String {
    let shown = words.chars().filter(|c| !is_invisible(*c));
    let line: Vec<char> = shown.map(|c| if is_break(c) { ' ' } else { c }).collect();
    let mut neutral = String::with_capacity(line.len());
    for (at, c) in line.iter().enumerate() {
        if *c == ':' && at > 0 && line[at - 1] == ':' && !is_in_address(&line, at) {
            neutral.push(' ');
        }
        neutral.push(*c);
    }
    break_heading(break_hashes(&break_folds(neutral, " :")))
}

/// Whether a reader might end a line here, or do anything but show a character.
pub fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether the character is not seen, but joins, parts, orders or hides others.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
            | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Breaks `##[`, `##vso[` and `##teamcity[`, which their hosts find anywhere in a line.
pub(crate) fn break_hashes(text: &str) -> String {
    let mut broken = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if (c == '[' || c.is_ascii_alphabetic()) && text[..at].ends_with("##") {
            broken.pop();
            broken.push_str(" #");
        }
        broken.push(c);
    }
    broken
}

/// Breaks the marks by which a host folds its log, with `colon` where theirs stood.
pub(crate) fn break_folds(text: String, colon: &str) -> String {
    let broken = |text: String, fold: &&str| match text.contains(*fold) {
        true => text.replace(*fold, &format!("{}{colon}", fold.trim_end_matches(':'))),
        false => text,
    };
    FOLDS.iter().fold(text, broken)
}

/// Breaks what begins a heading.
fn break_heading(line: String) -> String {
    let words = line.trim_start();
    match HEADINGS.iter().any(|heading| words.starts_with(heading)) {
        true => format!("{}{} {}", &line[..line.len() - words.len()], &words[..1], &words[1..]),
        false => line,
    }
}

/// Makes no link of the words, where a host that shows them as they are would make one.
pub(crate) fn without_links(line: &str) -> String {
    let line = line.replace("://", ": //");
    let mut unlinked = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        let before = &line[..at];
        let ends_with = |word: &str| {
            let from = before.len().checked_sub(word.len());
            from.and_then(|from| before.get(from..))
                .is_some_and(|end| end.eq_ignore_ascii_case(word))
        };
        let is_link = match c {
            '.' => ends_with("www"),
            ':' => ["mailto", "xmpp", "tel", "sms"].into_iter().any(ends_with),
            '@' => before.ends_with(|c: char| !c.is_whitespace()) && begins_host(&line[at + 1..]),
            _ => false,
        };
        if is_link {
            unlinked.push(' ');
        }
        unlinked.push(c);
    }
    unlinked
}

/// Whether the words begin with the host of a mail address. A version such as `1.2.3` is none: nobody's
/// domain ends in a digit.
fn begins_host(words: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = words.find(|c| !is_name(c)).unwrap_or(words.len());
    let host = words[..end].trim_end_matches(['.', '-', '_']);
    let is_domain = |last: &str| {
        last.chars().all(char::is_alphabetic) || last.to_ascii_lowercase().starts_with("xn--")
    };
    host.rsplit_once('.').is_some_and(|(_, last)| is_domain(last))
}

/// Whether it is a colon between the brackets of an IPv6 address.
fn is_in_address(line: &[char], at: usize) -> bool {
    let is_part = |c: &&char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let before = line[..at].iter().rev().take(40).find(|c| !is_part(c));
    let after = line[at..].iter().take(40).find(|c| !is_part(c));
    (before, after) == (Some(&'['), Some(&']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_holds_no_command_of_any_host_however_it_is_put_together() {
        let pieces = [
            ":",
            "#",
            "[",
            "vso[",
            "VSO[",
            "teamcity[",
            "\n",
            "\r",
            "\u{200b}",
            "\u{202e}",
            " ",
            "a",
            "section_start:",
            "\u{2028}",
            "-",
            "\u{85}",
            "::",
            "]",
        ];
        let longer = |texts: Vec<String>| -> Vec<String> {
            let with = |text: &String| pieces.map(|piece| format!("{text}{piece}"));
            texts.iter().flat_map(with).collect()
        };
        let texts = longer(longer(longer(vec![String::new()])));
        for text in texts {
            let line = one_line(&text);
            let lower = line.to_ascii_lowercase();
            let commands = ["##[", "##vso", "##teamcity", "section_start:"];
            assert!(!commands.iter().any(|command| lower.contains(command)), "{text:?}: {line}");
            assert!(!line.trim_start().starts_with("::"), "{text:?}: {line}");
            assert!(!line.contains("::") || line.contains("[::]"), "{text:?}: {line}");
            assert!(!line.contains(|c: char| is_break(c) || is_invisible(c)), "{line:?}");
            assert!(!line.trim_start().starts_with("---"), "{line:?}");
            assert_eq!(one_line(&line), line);
        }
    }

    #[test]
    fn ordinary_words_are_left_alone() {
        for text in [
            "https://[::1]:9797/ at 12:30: no — é😀 [fe80::1%25]",
            "## [x] # a#b a: b --- web@1.0+2 C:\\x",
        ] {
            assert_eq!(one_line(text).replace("fe80: :", "fe80::"), text);
        }
    }

    #[test]
    fn no_address_is_left_a_link() {
        assert_eq!(
            without_links(
                "at https://a.example, WWW.a.example, mailto:x or a@b.example, @me, `a@`"
            ),
            "at https: //a.example, WWW .a.example, mailto :x or a @b.example, @me, `a@`"
        );
    }

    #[test]
    fn an_address_is_broken_and_a_version_stays() {
        for (words, shown) in [
            ("write to ada@example.com.", "write to ada @example.com."),
            ("a@b.c-d.org, b@xn--p1ai.xn--p1ai", "a @b.c-d.org, b @xn--p1ai.xn--p1ai"),
            ("such as `web@1.2.3`", "such as `web@1.2.3`"),
            ("app@1.0.0-beta.2+build.7", "app@1.0.0-beta.2+build.7"),
            ("acme/web@main, @acme/owners", "acme/web@main, @acme/owners"),
        ] {
            assert_eq!(without_links(words), shown);
        }
    }
}
