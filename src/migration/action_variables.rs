//! Variables that finishline reads and action-release does not: what a step of the one does not do, the step
//! of the other is told not to do.

use super::MigrationNote;
use super::edit::TextEdit;
use super::workflow_step::StepText;
use super::yaml_tree::YamlNode;
use crate::text::quote;

/// What names the environment of a deploy, or may set a variable that does.
const ENVIRONMENT_SOURCES: [&str; 3] =
    ["SENTRY_ENVIRONMENT", "FINISHLINE_ENVIRONMENT", "GITHUB_ENV"];

/// Looks for the variables of a step.
pub(super) struct VariableReader<'a> {
    pub(super) step: &'a StepText<'a>,
    /// Whether the step is run with the variables of a workflow elsewhere.
    pub(super) is_composite: bool,
}

impl VariableReader<'_> {
    /// The change that keeps a variable from making a deploy which no input asks for.
    pub(super) fn deploy_edit(&self, notes: &mut Vec<MigrationNote>) -> Option<TextEdit> {
        notes.extend(self.dist_note());
        let may_be_set = self.is_composite
            || ENVIRONMENT_SOURCES.iter().any(|name| self.step.source.contains(name));
        let deploy = self.deploy().filter(|_| may_be_set && self.step.input("deploy").is_none())?;
        let edit = self.insertion(&deploy);
        if edit.is_none() {
            let message = "a variable may name an environment here, and finishline would record a deploy that action-release does not";
            let hint = format!("set {} in `with:`", quote(&deploy));
            notes.push(MigrationNote::untranslated(self.step.node.line, message, &*hint));
        }
        edit
    }

    /// The line that says when there is a deploy; none where there is always one.
    fn deploy(&self) -> Option<String> {
        let environment =
            self.step.input("environment").and_then(YamlNode::text).unwrap_or_default();
        let environment = environment.trim();
        if environment.is_empty() {
            return Some("deploy: false".to_owned());
        }
        let inner = environment.strip_prefix("${{")?.strip_suffix("}}")?.trim();
        let is_one = !inner.contains("${{") && !inner.contains("}}");
        is_one.then(|| format!("deploy: ${{{{ ({inner}) != '' }}}}"))
    }

    fn dist_note(&self) -> Option<MigrationNote> {
        let has_maps = ["sourcemaps", "sourcemap", "upload_sourcemaps"]
            .iter()
            .any(|name| self.step.input(name).is_some());
        let is_set = has_maps && self.step.input("dist").is_none();
        (is_set && self.step.source.contains("SENTRY_DIST")).then(|| {
            let message = "finishline takes `SENTRY_DIST` for the `dist` of the source maps, which action-release does not: set it for other steps only if events have no `dist`";
            MigrationNote::advice(self.step.node.line, message)
        })
    }

    /// The change that adds an input, where the step is written plainly.
    fn insertion(&self, input: &str) -> Option<TextEdit> {
        let (source, node) = (self.step.source, self.step.node);
        let (uses, value) = node.entry("uses")?;
        let Some((key, with)) = node.entry("with") else {
            if node.is_flow {
                let at = value.range.end;
                return Some(TextEdit::new(at..at, format!(", with: {{{input}}}")));
            }
            let at = source[value.range.end..]
                .find('\n')
                .map_or(source.len(), |end| value.range.end + end);
            let indent = indent(source, uses.range.start);
            return Some(TextEdit::new(at..at, format!("\n{indent}with:\n{indent}  {input}")));
        };
        let first = &with.map().first()?.0;
        // What an alias or a merge brings stands elsewhere.
        let between = source.get(key.range.end..first.range.start)?;
        let is_flow = between.trim_start_matches(':').trim() == "{";
        let line = between.strip_prefix(':').and_then(|rest| rest.split_once('\n'));
        let is_block = line
            .is_some_and(|(line, _)| line.trim().is_empty() || line.trim_start().starts_with('#'));
        let at = first.range.start;
        match (is_flow, is_block) {
            (true, _) if !input.contains("${{") => {
                Some(TextEdit::new(at..at, format!("{input}, ")))
            }
            (false, true) => {
                let indent = indent(source, at);
                Some(TextEdit::new(at..at, format!("{input}\n{indent}")))
            }
            _ => None,
        }
    }
}

/// The blanks that put a line below what begins at a place.
fn indent(source: &str, at: usize) -> String {
    let line = source[..at].rfind('\n').map_or(0, |end| end + 1);
    " ".repeat(source[line..at].chars().count())
}
