//! Variables that the CI host has left in an input or in a secret, as far as the place may hold one.

use super::origin::InputOrigin;
use super::table::{FlagKind, InputSpec};
use super::types::CalledRelease;
use crate::error::{Error, ErrorCode};
use crate::job::{MacroHosts, UnexpandedMacro};
use crate::text::quote;
use std::fmt;

/// The inputs that name something at Sentry for good: nobody means a `${NAME}` there.
const NAMES: [&str; 3] = ["release", "release-prefix", "environment"];

/// The macro that was left in an input. What `state` and `apps` hold is looked at when it is read.
pub fn in_input<'a>(
    hosts: MacroHosts,
    input: &InputSpec,
    text: &'a str,
) -> Option<UnexpandedMacro<'a>> {
    let counts = |found: &UnexpandedMacro<'_>| match input.flag {
        _ if found.is_faint() => found.is_of_host && NAMES.contains(&input.name),
        _ if input.holds_fields() => found.is_whole && found.is_undefined,
        FlagKind::File(_) => is_certain(found) || (found.is_whole && !may_be_secret(found)),
        _ => found.is_whole || !found.is_of_shells || NAMES.contains(&input.name),
    };
    hosts.macros_in(text).into_iter().find(counts)
}

/// The macro that was left in a text that may be a secret, where nearly any text may stand.
pub fn in_secret(hosts: MacroHosts, text: &str) -> Option<UnexpandedMacro<'_>> {
    let counts = |found: &UnexpandedMacro<'_>| {
        let is_text = found.is_faint() || (found.is_bare && !found.is_of_host);
        is_certain(found) || (found.is_whole && !is_text && !may_be_secret(found))
    };
    hosts.macros_in(text).into_iter().find(counts)
}

/// The value of a variable that a text names. One line is without the white space around it, which
/// a secret store or a block of YAML adds; a key of many lines stays as it is.
pub(super) fn trimmed_value(value: &str) -> Option<&str> {
    let trimmed = value.trim();
    let value = if trimmed.contains('\n') { value } else { trimmed };
    (!trimmed.is_empty()).then_some(value)
}

/// The same, where a variable that the host has left is none.
pub fn expanded_value(hosts: MacroHosts, value: &str) -> Option<&str> {
    let is_unset = |found: UnexpandedMacro<'_>| found.is_whole && found.is_undefined;
    trimmed_value(value).filter(|value| !in_secret(hosts, value).is_some_and(is_unset))
}

/// Whether the name may be the secret itself, written by mistake as the name of a variable: it is
/// not quoted, and what reads it refuses it without.
fn may_be_secret(found: &UnexpandedMacro<'_>) -> bool {
    let is_upper = !found.text.contains(|c: char| c.is_ascii_lowercase());
    found.is_of_shells && !found.is_undefined && !is_upper
}

/// Azure's agent looks for this form anywhere, and no shell or template has it with a bare name.
fn is_certain(found: &UnexpandedMacro<'_>) -> bool {
    found.is_undefined && found.text.starts_with("$(")
}

/// An input holds a macro: only this is quoted, for the rest may be secret.
pub(super) fn refusal(input: &str, origin: impl fmt::Display, found: UnexpandedMacro<'_>) -> Error {
    let shown = quote(found.text);
    let message = format!("`{input}` ({origin}) contains the unexpanded variable {shown}");
    let hint = format!(
        "define the variable, or set {origin} in a place where the CI system expands variables"
    );
    Error::new(ErrorCode::Usage, message).with_hint(hint)
}

/// Whether to go without an input could be to do more, or to ask another server. A call of sentry-cli
/// means whatever it has.
pub(super) fn decides(input: &InputSpec, origin: InputOrigin, called: CalledRelease) -> bool {
    let decisive = ["url", "backend", "manifest", "plan", "dry-run"];
    let is_called = called != CalledRelease::NotCalled;
    is_called || matches!(origin, InputOrigin::Flag(_)) || decisive.contains(&input.name)
}
