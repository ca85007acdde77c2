//! Variables that finishline reads and action-release does not: what a step of the one does not do, the step
//! of the other is told not to do.

use super::MigrationNote;
use super::edit::TextEdit;
use super::workflow_step::{StepText, line_start};
use super::yaml_tree::YamlNode;
use crate::text::quote;

/// What names the environment of a deploy, or may set a variable that does.
const ENVIRONMENT_SOURCES: [&str; 3] =
    ["SENTRY_ENVIRONMENT", "FINISHLINE_ENVIRONMENT", "GITHUB_ENV"];

const OTHER_DEPLOY: &str = "a variable may name an environment here, and finishline would record a deploy that \
    action-release does not";

const STRICT_MAPS: &str = "a script without a source map is an error to finishline, and a warning to \
    action-release";

const NO_INJECTION: &str =
    "finishline injects debug ids, which this version of action-release does not";

/// Looks for the variables of a step.
pub(super) struct VariableReader<'a> {
    pub(super) step: &'a StepText<'a>,
    /// Whether the step is run with the variables of a workflow elsewhere.
    pub(super) is_composite: bool,
    /// Whether its version of action-release injects debug ids by itself, where that is known.
    pub(super) injects: Option<bool>,
}

impl VariableReader<'_> {
    /// The change that adds the inputs without which a step of finishline does something else.
    pub(super) fn inputs_edit(&self, notes: &mut Vec<MigrationNote>) -> Option<TextEdit> {
        notes.extend(self.dist_note());
        notes.extend(self.injection_note());
        let deploy = self.missing_deploy().map(|deploy| (deploy, OTHER_DEPLOY));
        let lenient = self.is_strict().then(|| ("allow-unmapped: true".to_owned(), STRICT_MAPS));
        let is_plain = self.injects == Some(false) && self.leaves_injection();
        let plain = is_plain.then(|| ("inject: false".to_owned(), NO_INJECTION));
        let missing: Vec<_> = deploy.into_iter().chain(lenient).chain(plain).collect();
        let inputs: Vec<_> = missing.iter().map(|(input, _)| input.as_str()).collect();
        let edit = if inputs.is_empty() { None } else { self.insertion(&inputs) };
        for (input, message) in missing.iter().filter(|_| edit.is_none()) {
            let hint = format!("set {} in `with:`", quote(input));
            notes.push(MigrationNote::untranslated(self.step.node.line, *message, hint));
        }
        edit
    }

    /// The input that keeps a variable from making a deploy which no input asks for.
    fn missing_deploy(&self) -> Option<String> {
        let may_be_set = self.is_composite
            || ENVIRONMENT_SOURCES.iter().any(|name| self.step.source.contains(name));
        self.deploy().filter(|_| may_be_set && self.step.input("deploy").is_none())
    }

    /// Whether scripts without a map are uploaded with a warning here, and would be an error.
    fn is_strict(&self) -> bool {
        let is_said =
            ["allow-unmapped", "allow-empty"].iter().any(|name| self.step.input(name).is_some());
        self.uploads() && !is_said
    }

    fn uploads(&self) -> bool {
        let text = |name: &&str| self.step.input(name).and_then(YamlNode::text);
        let maps = ["sourcemaps", "sourcemap"].iter().find_map(text).unwrap_or_default();
        !maps.trim().is_empty()
    }

    /// Whether source maps are uploaded, and nothing says whether scripts get debug ids.
    fn leaves_injection(&self) -> bool {
        self.uploads() && self.step.input("inject").is_none()
    }

    fn injection_note(&self) -> Option<MigrationNote> {
        if !self.leaves_injection() {
            return None;
        }
        let message = match self.injects {
            Some(true) => return None,
            Some(false) => {
                "this version of action-release injects no debug ids: `inject: false` keeps it so; remove it if \
                 the scripts are deployed after this step"
            }
            None => {
                "action-release before v3 injects no debug ids, and finishline does: set `inject: false` if the \
                 scripts are deployed before this step"
            }
        };
        Some(MigrationNote::advice(self.step.node.line, message))
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
        let has_maps =
            ["sourcemaps", "sourcemap"].iter().any(|name| self.step.input(name).is_some());
        let is_set = has_maps && self.step.input("dist").is_none();
        (is_set && self.step.source.contains("SENTRY_DIST")).then(|| {
            let message = "finishline takes `SENTRY_DIST` for the `dist` of the source maps, which action-release does not: set it for other steps only if events have no `dist`";
            MigrationNote::advice(self.step.node.line, message)
        })
    }

    /// The change that adds inputs, where the step is written plainly.
    fn insertion(&self, inputs: &[&str]) -> Option<TextEdit> {
        let (source, node) = (self.step.source, self.step.node);
        let (uses, value) = node.entry("uses")?;
        let Some((key, with)) = node.entry("with") else {
            if node.is_flow {
                let at = value.range.end;
                return Some(TextEdit::new(at..at, format!(", with: {{{}}}", inputs.join(", "))));
            }
            let at = source[value.range.end..]
                .find('\n')
                .map_or(source.len(), |end| value.range.end + end);
            let indent = indent(source, uses.range.start);
            let lines = inputs.join(&format!("\n{indent}  "));
            return Some(TextEdit::new(at..at, format!("\n{indent}with:\n{indent}  {lines}")));
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
            (true, _) if !inputs.iter().any(|input| input.contains("${{")) => {
                Some(TextEdit::new(at..at, format!("{}, ", inputs.join(", "))))
            }
            (false, true) => {
                let indent = indent(source, at);
                let line = |input: &&str| format!("{input}\n{indent}");
                Some(TextEdit::new(at..at, inputs.iter().map(line).collect::<String>()))
            }
            _ => None,
        }
    }
}

/// The blanks that put a line below what begins at a place.
fn indent(source: &str, at: usize) -> String {
    " ".repeat(source[line_start(source, at)..at].chars().count())
}
