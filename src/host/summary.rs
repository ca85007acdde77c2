//! The job summary: one screen of Markdown, foreign text escaped.

use crate::outcome::{Outcome, Status};

/// The summary of one run.
pub(super) fn markdown(outcome: &Outcome) -> String {
    let sign = match outcome.status {
        Status::Complete => "✅",
        Status::ActionRequired => "⏳",
        Status::Planned | Status::Skipped => "ℹ️",
        Status::Error => "❌",
    };
    let mut lines =
        vec![format!("### {sign} finishline: {}", escape(&outcome.headline)), String::new()];
    match (outcome.status, page(outcome)) {
        (Status::ActionRequired, Some(page)) => lines.extend(what_to_do(page, &outcome.details)),
        (_, page) => {
            lines.extend(page.map(|page| {
                format!("[Open the settings page](<{}>){}\n", link(page), local_note(page))
            }));
            lines.extend(outcome.details.iter().map(|line| format!("- {}", escape(line))));
        }
    }
    lines.extend(
        outcome.warnings.iter().map(|warning| format!("- ⚠️ {}", escape(&warning.message))),
    );
    if let Some(failure) = outcome.failure.as_ref().filter(|_| outcome.status == Status::Error) {
        let (code, exit) = (failure.code, outcome.exit().number());
        lines
            .push(format!("**What to change:** {} (`{code}`, exit {exit})", escape(&failure.hint)));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn page(outcome: &Outcome) -> Option<&str> {
    outcome.subject.as_ref()?.redirect_url.as_deref()
}

/// What the person clicks, and what is run afterwards: the first detail is the page itself.
fn what_to_do(page: &str, details: &[String]) -> Vec<String> {
    let open = format!("1. [Open this page](<{}>)", link(page));
    let then = details.iter().skip(1).zip(2..);
    let then = then.map(|(line, number)| format!("{number}. {}", escape(line)));
    std::iter::once(open).chain(then).chain([String::new()]).collect()
}

/// Text of others as text: no link, no HTML, no table, one line.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '|' | '!' | '~' | '@' => {
                escaped.extend(['\\', c]);
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// An address between `<` and `>`.
fn link(url: &str) -> String {
    url.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>' | ' ')).collect()
}

/// A link to this machine leads nowhere from a web page, and says so.
fn local_note(url: &str) -> &'static str {
    if url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost") {
        " (local: it opens only on the machine that ran this step)"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Code, Failure};

    #[test]
    fn foreign_text_stays_text() {
        let hostile = "[x](https://evil.example) <img src=x> `a`\n# big @team";
        let text = markdown(&Outcome::failed(Failure::new(Code::Refused, hostile)));
        assert!(
            text.contains(r"\[x\]\(https://evil.example\) &lt;img src=x&gt; `a` \# big \@team")
        );
    }
}
