//! The lines that still name what was to be replaced.

use super::MigrationNote;
use std::collections::BTreeSet;

/// What a line names, and what to do with it.
const MENTIONS: &[(&str, &str)] = &[
    ("getsentry/action-release", "replace it by hand"),
    ("sentry.io/get-cli", "install finishline instead: docs/install.md"),
    ("getsentry/sentry-cli", "the image does not contain finishline: docs/install.md"),
    ("@sentry/cli", "remove the package once nothing uses it"),
    ("setup-sentry-cli", "remove the step once nothing in the job runs sentry-cli"),
    ("sentry-cli", "replace the call by hand, or by `finishline sentry-cli`"),
];

/// What may stand before the program's name in a line that was translated.
const TRANSLATED: &str = "finishline sentry-cli";

/// Names every line of the old text that stays, by its number from 0, and is not translated; those that
/// notes name already are left out.
pub(super) fn find(old: &str, kept: &[usize], notes: &[MigrationNote]) -> Vec<MigrationNote> {
    let lines: Vec<_> = old.split_inclusive('\n').collect();
    let noted: BTreeSet<_> = notes.iter().map(|note| note.line).collect();
    let mut found = Vec::new();
    for (text, line) in kept.iter().map(|number| (lines[*number], number + 1)) {
        if noted.contains(&line) || is_comment_or_name(text) {
            continue;
        }
        // To GitHub the case of letters means nothing in an action's name.
        let text = if text.contains("uses") { text.to_lowercase() } else { text.to_owned() };
        let text = text.replace(TRANSLATED, "");
        if let Some((mention, hint)) = MENTIONS.iter().find(|(mention, _)| text.contains(mention)) {
            // A dependency or a step that nothing needs any more does no harm.
            let is_harmless = matches!(*mention, "setup-sentry-cli")
                || *mention == "@sentry/cli" && text.trim_start().starts_with('"');
            let message = format!("`{mention}` stays in this line");
            found.push(MigrationNote {
                line,
                message,
                hint: (*hint).to_owned(),
                is_untranslated: !is_harmless,
            });
        }
    }
    found
}

fn is_comment_or_name(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("- ").trim_start();
    // The image of a job may stand behind a key of its own.
    let value = line.strip_prefix("name:").unwrap_or_default().split('#').next();
    let value = value.unwrap_or_default().trim().trim_matches(['"', '\'']);
    if value.contains("getsentry/sentry-cli") && !value.contains(char::is_whitespace) {
        return false;
    }
    let is_key = |key: &str| {
        let key = line.trim_start_matches('"').strip_prefix(key);
        key.is_some_and(|rest| rest.trim_start_matches('"').starts_with(':'))
    };
    line.starts_with('#')
        || line.starts_with("//")
        || ["name", "description", "label", "displayName"].iter().any(|key| is_key(key))
}
