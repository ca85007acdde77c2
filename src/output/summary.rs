//! The job summary: one screen of Markdown, foreign text escaped.
//!
//! What happened, where to look, and what a person must do next, in this order.

use super::markdown::{cell, escape};
use super::summary_plan;
use crate::error::Error;
use crate::model::RecordId;
use crate::outcome::{EntryOutcome, IntegrationOutcome, Outcome, OutcomeStatus, ReleaseOutcome};
use crate::text::page::PageUrl;

/// GitHub shows no summary of a step that is larger, and Buildkite takes no annotation.
const LIMIT: usize = 1_048_576;

/// No comment on GitHub is longer; GitLab takes more.
const COMMENT_LIMIT: usize = 65_000;

/// The summary of one run, at most 1 MiB.
pub(crate) fn markdown(outcome: &Outcome) -> String {
    bounded(&whole(outcome), LIMIT).to_owned()
}

/// The summary as a comment, which says when it is cut.
pub(crate) fn comment(outcome: &Outcome) -> String {
    let text = format!("{}{}", whole(outcome), summary_plan::document(outcome));
    if text.len() <= COMMENT_LIMIT {
        return text;
    }
    let kept = bounded(&text, COMMENT_LIMIT);
    let left_out = text[kept.len()..].lines().filter(|line| !line.is_empty()).count();
    format!("{kept}\n\n{left_out} more lines do not fit into a comment: see the log of the job\n")
}

fn whole(outcome: &Outcome) -> String {
    let title =
        vec![format!("### {} finishline: {}", status_icon(outcome), escape(&outcome.headline))];
    let parts = match outcome.entries.is_empty() {
        false => {
            let unmanaged = summary_plan::unmanaged(outcome);
            vec![title, summary_plan::changes(outcome), entries(outcome), unmanaged]
        }
        true => vec![
            title,
            pages(outcome),
            integration_table(outcome),
            release_facts(outcome),
            summary_plan::changes(outcome),
            list(outcome),
            outcome
                .failure
                .as_ref()
                .map_or_else(Vec::new, |failure| error_section(outcome, failure)),
        ],
    };
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.map(|part| format!("{}\n\n", part.join("\n"))).collect()
}

fn status_icon(outcome: &Outcome) -> &'static str {
    match outcome.status {
        OutcomeStatus::Complete => "✅",
        OutcomeStatus::ActionRequired => "⏳",
        OutcomeStatus::Planned => "📋",
        OutcomeStatus::Skipped => "⏭️",
        OutcomeStatus::Error => "❌",
    }
}

/// A manifest's entries as a table: where to look, or what to change.
fn entries(outcome: &Outcome) -> Vec<String> {
    let row = |entry: &EntryOutcome| {
        let end = &entry.outcome;
        let changed = yes_no(end.changed);
        let page = url(end).or(end.release.as_ref().and_then(|release| release.url.as_ref()));
        let page = page.map(|url| format!(" [open](<{url}>)"));
        let failure = end.failure.as_ref().map(|failure| format!(": {}", cell(&failure.hint)));
        let what = format!("{}{}", cell(&end.headline), failure.unwrap_or_default());
        let (sign, title) = (status_icon(end), cell(&entry.title));
        format!("| {sign} {title} | {what}{} | {changed} |", page.unwrap_or_default())
    };
    let head = ["| entry | result | changed |".to_owned(), "| --- | --- | --- |".to_owned()];
    head.into_iter().chain(outcome.entries.iter().map(row)).collect()
}

/// As much of the text as is taken, in whole lines.
fn bounded(text: &str, limit: usize) -> &str {
    let ends = text.split_inclusive('\n').scan(0, |end, line| {
        *end += line.len();
        Some(*end)
    });
    &text[..ends.take_while(|end| *end <= limit).last().unwrap_or(0)]
}

/// Where to look: the integration once it is there, and the release.
fn pages(outcome: &Outcome) -> Vec<String> {
    let is_finished = outcome.status != OutcomeStatus::ActionRequired;
    let settings = url(outcome).filter(|_| is_finished).map(|url| ("settings page", url));
    let release = outcome.release.as_ref().and_then(|release| release.url.as_ref());
    let release = release.map(|url| ("release", url));
    let line = |(name, url)| format!("**[Open the {name}](<{url}>)**{}", local_note(url));
    let pages: Vec<_> = settings.into_iter().chain(release).map(line).collect();
    if pages.is_empty() { pages } else { vec![pages.join(" · ")] }
}

/// What the outputs say of the integration, as a table of one row.
fn integration_table(outcome: &Outcome) -> Vec<String> {
    let Some(IntegrationOutcome { provider, pipeline_type: Some(kind), integration, .. }) =
        &outcome.subject
    else {
        return Vec::new();
    };
    let integration = integration.as_ref().map(|(id, name)| format!("{id} ({})", cell(name)));
    let integration = integration.as_deref().unwrap_or("–");
    let head = ["provider", "integration", "pipeline", "changed"];
    table(head, [&cell(provider), integration, kind.as_str(), yes_no(outcome.changed)])
}

/// The same of the release.
fn release_facts(outcome: &Outcome) -> Vec<String> {
    let Some(ReleaseOutcome { version, deploy_id, commit_count, .. }) = &outcome.release else {
        return Vec::new();
    };
    let commits = commit_count.map_or("–".to_owned(), |count| count.to_string());
    let deploy = deploy_id.as_ref().map_or("–".to_owned(), RecordId::to_string);
    let head = ["release", "commits", "deploy", "changed"];
    table(head, [&cell(version), &commits, &deploy, yes_no(outcome.changed)])
}

/// A table of one row.
fn table<const N: usize>(head: [&str; N], row: [&str; N]) -> Vec<String> {
    [head, ["---"; N], row].map(|cells| format!("| {} |", cells.join(" | "))).to_vec()
}

fn yes_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

/// What else there is to say, and the warnings.
fn list(outcome: &Outcome) -> Vec<String> {
    let shown = |line: &&String| !is_shown(outcome, line);
    let details = outcome.details.iter().filter(shown);
    let details = details.map(|line| format!("- {}", escape(line)));
    let warnings = outcome.warnings.iter();
    let warnings =
        warnings.map(|warning| format!("- ⚠️ {} (`{}`)", escape(&warning.message), warning.slug));
    details.chain(warnings).collect()
}

/// Whether the table and the link say this already.
fn is_shown(outcome: &Outcome, line: &str) -> bool {
    let integration = outcome.subject.as_ref().and_then(|subject| subject.integration.as_ref());
    integration.is_some_and(|(id, name)| line == format!("integration {id} ({name})"))
        || url(outcome).is_some_and(|url| line == format!("settings: {url}"))
        || outcome.release.as_ref().is_some_and(|one| {
            one.url.as_ref().is_some_and(|url| line == format!("release: {url}"))
        })
}

/// What a person does next: approves on a page, or changes what was wrong.
fn error_section(outcome: &Outcome, failure: &Error) -> Vec<String> {
    if let (OutcomeStatus::ActionRequired, Some(page)) = (outcome.status, url(outcome)) {
        return next_steps(page, &outcome.next_steps);
    }
    let mut lines = vec!["**What to change**".to_owned(), String::new()];
    match failure.errors.as_slice() {
        [] => lines.push(format!("- {}", escape(&failure.hint))),
        several => lines.extend(
            several.iter().map(|one| format!("- {}: {}", escape(&one.message), escape(&one.hint))),
        ),
    }
    lines.push(String::new());
    let (code, exit) = (failure.code, outcome.exit().number());
    let page = code.page();
    lines
        .push(format!("[`{code}`]({page}), exit {exit}, finishline {}", env!("CARGO_PKG_VERSION")));
    lines
}

/// What the person clicks, and what is run afterwards: the first thing is the page itself.
fn next_steps(page: &PageUrl, next: &[String]) -> Vec<String> {
    let open = format!("1. **[Open this page](<{page}>)**");
    let then = next.iter().skip(1).zip(2..);
    let then = then.map(|(line, number)| format!("{number}. {}", with_command(line)));
    std::iter::once(open).chain(then).collect()
}

/// A line with the command that goes on. As code it can be copied; what a host would take for a link
/// is quoted in it as a shell takes it, and so stays one.
fn with_command(line: &str) -> String {
    const COMMAND: &str = "finishline resume --";
    let Some((before, arguments)) = line.split_once(COMMAND) else { return escape(line) };
    if arguments.contains('`') {
        return escape(line);
    }
    let unlinked = |word: &str| match word.contains('\'') {
        true => word.to_owned(),
        false => word.replace("://", ":'//'"),
    };
    let arguments: Vec<_> = arguments.split(' ').map(unlinked).collect();
    escape(&format!("{before}`{COMMAND}{}`", arguments.join(" ")))
}

fn url(outcome: &Outcome) -> Option<&PageUrl> {
    outcome.subject.as_ref()?.redirect_url.as_ref()
}

/// A link to this machine leads nowhere from a web page, and says so.
fn local_note(url: &PageUrl) -> &'static str {
    let is_local = |host: &&str| url.as_str().starts_with(*host);
    if ["http://127.0.0.1", "http://localhost"].iter().any(is_local) {
        " (local: opens only on the machine that ran this step)"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorCode};

    #[test]
    fn foreign_text_stays_text() {
        let hostile = "[x](https://evil.example) <img src=x> `a`\n# big @team";
        let text = markdown(&Outcome::failed(Error::new(ErrorCode::Refused, hostile)));
        assert!(
            text.contains("`[x]` (https: `//evil.example`) `< img src=x> a #` big `@team`"),
            "{text}"
        );
    }

    #[test]
    fn a_summary_is_never_larger_than_the_host_takes_and_ends_with_a_line() {
        let details: Vec<_> =
            (0..30_000).map(|n| format!("detail {n} {}", "é".repeat(30))).collect();
        let outcome = Outcome { details, ..Outcome::new(OutcomeStatus::Planned, "x") };
        let text = markdown(&outcome);
        assert!((LIMIT - 100..=LIMIT).contains(&text.len()), "{}", text.len());
        assert!(text.ends_with("é\n"));
    }
}
