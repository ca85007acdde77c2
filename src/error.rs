//! Failures as a designed product: every exit code and every error-code slug, with the hint that
//! says what the reader can change. The tables of the docs are compared with these.

use crate::text::yaml::LineColumn;
use std::fmt;

/// Declares the exit codes once: variant, number, and what it means as the docs have it.
macro_rules! exits {
    ($($(#[$doc:meta])* $variant:ident $number:literal $meaning:literal;)*) => {
        /// The exit codes of the process. Anything a CI author would branch on has its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ExitCode { $($(#[$doc])* $variant,)* }

        impl ExitCode {
            /// Every exit code, in the order of its number.
            pub const ALL: [Self; [$($number),*].len()] = [$(Self::$variant),*];

            /// The number that the process ends with.
            pub fn number(self) -> u8 {
                match self { $(Self::$variant => $number,)* }
            }

            /// What the number means, as the docs have it.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

exits! {
    /// Done, nothing to do, skipped or planned.
    Done 0 "success: done, nothing to do, skipped or planned";
    /// A bug of ours.
    Bug 1 "internal error";
    /// The inputs are wrong.
    Inputs 2 "invalid inputs";
    /// A person must act.
    ActionRequired 3 "approval by a person is needed";
    /// The provider or the pipeline refused.
    Refused 4 "refused by the provider or the pipeline";
    /// Not authenticated, or not permitted.
    Auth 5 "not authenticated or not authorized";
    /// The backend could not be reached, or failed, until the deadline.
    Unavailable 6 "the backend was unreachable or kept failing until the deadline";
    /// The outputs could not be written.
    Outputs 7 "the outputs could not be written";
    /// `plan --exit-code` found something to do.
    ChangesPending 8 "`plan --exit-code`: there are changes to make";
    /// Cancelled by a signal.
    Cancelled 9 "cancelled (SIGINT, SIGTERM)";
}

/// Declares the slugs once: variant, slug, exit code, and the hint for the reader.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $slug:literal $exit:ident $hint:literal;)*) => {
        /// The `error-code` slugs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of the docs.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The slug that the `error-code` output carries.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            /// The address of what the docs say about it.
            pub fn page(self) -> String {
                format!("{}/blob/main/docs/errors.md#{}", env!("CARGO_PKG_REPOSITORY"), self.slug())
            }

            /// The exit code of a run that ends with this.
            pub fn exit(self) -> ExitCode {
                match self { $(Self::$variant => ExitCode::$exit,)* }
            }

            /// What the reader can change, when the failure has nothing closer to say.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

codes! {
    /// A panic.
    Internal "internal" Bug "this is a bug in finishline; please report it with the line above";
    /// The command line, or an input that is no field of a provider.
    Usage "usage" Inputs "run `finishline run --help` to list the inputs";
    /// No provider has this key.
    UnknownProvider "unknown-provider" Inputs "run `finishline providers` to list the keys";
    /// A field that the provider needs is not there.
    MissingField "missing-field" Inputs "run `finishline providers KEY` to see every field with an example";
    /// A field holds what the provider cannot take.
    BadField "bad-field" Inputs "run `finishline providers KEY` to see the accepted values of each field";
    /// `state` cannot be read as a mapping.
    BadState "bad-state" Inputs "write `state` as a YAML or JSON mapping of field names to values";
    /// The manifest, or an entry of it, cannot be taken as it stands.
    BadManifest "bad-manifest" Inputs "see docs/manifest.md; `finishline schema` prints the JSON Schema for your editor";
    /// The file in `plan` is no plan of this run.
    BadPlan "bad-plan" Inputs "save it with `finishline plan --format json` from the same inputs or manifest and the same version of finishline";
    /// No integration, release or deploy was asked for.
    NothingAsked "nothing-asked" Inputs "set `provider` to install an integration, or `release` or `environment` to create a release";
    /// Several integrations are there and the state does not say which is meant.
    Ambiguous "ambiguous" Inputs "select one with `integration-id`, or set `mode: install`";
    /// The token belongs to another server or organization.
    TokenMismatch "token-mismatch" Inputs "use a token created on the server in `url` for the organization in `org`, or correct these two";
    /// The version is one that Sentry refuses, or there is none.
    BadRelease "bad-release" Inputs "set `release` to a name of at most 200 characters without `/`";
    /// There is nothing to upload: no script, no map, or a script without one.
    NoSourcemaps "no-sourcemaps" Inputs "check `sourcemaps`, and that the bundler writes source maps; set `allow-empty: true` if there may be none";
    /// A source map cannot be used: unreadable, another script's, or without what it must have.
    BadSourcemap "bad-sourcemap" Inputs "build the scripts and their source maps again, and upload both from the same build; or leave the file out with `sourcemaps-ignore`";
    /// A step needs a person with a browser.
    NeedsBrowser "needs-browser" ActionRequired "open `redirect-url` in a browser, then follow the next steps in the summary";
    /// The provider refused, or cannot be finished as asked.
    Refused "refused" Refused "correct what the other side names in its own words, then run `finishline run` again";
    /// The third party answered with an error.
    ProviderError "provider-error" Refused "see `error-status` for the third party's HTTP status, and check the third party's log";
    /// The account belongs to another user.
    IdentityTaken "identity-taken" Refused "approve with an account that is not linked to another user";
    /// Sentry refuses the source maps, or finds their bundle bad.
    SourcemapsRefused "sourcemaps-refused" Refused "the message has Sentry's own reason; run again, and check `projects`, `release` and `dist` if it stays";
    /// The callback belongs to no waiting pipeline.
    WrongOauthState "wrong-oauth-state" Refused "open the latest `redirect-url`, then paste the complete URL from the browser's address bar";
    /// The waiting pipeline's time is over.
    SessionExpired "session-expired" Refused "start again with `finishline run`";
    /// The callback was used before.
    CallbackUsed "callback-used" Refused "nothing is left to do for this callback; run `finishline run` to check whether the integration is installed";
    /// The callback is another organization's.
    ForeignCallback "foreign-callback" Refused "set `org` to the organization for which the pipeline was started";
    /// The finish landed on another integration than the one named.
    IntegrationMismatch "integration-mismatch" Refused "check `integration-id` against the account in `state`";
    /// `check` found that an integration does not work, or will not.
    Unhealthy "unhealthy" Refused "see the integration's settings page";
    /// What a saved plan was made from is not there any more.
    PlanChanged "plan-changed" Refused "nothing was changed: look at a new `finishline plan`, and carry that one out";
    /// The embedded backend cannot finish this provider.
    NeedsSentry "needs-sentry" Refused "set `url` and `auth-token` to install it on a Sentry server";
    /// This backend cannot do what was asked.
    Unsupported "unsupported" Refused "see the message for what the backend lacks; run `finishline providers KEY` to see where the provider can be installed";
    /// No token, and nothing that explains why.
    NoToken "no-token" Auth "set `auth-token` (SENTRY_AUTH_TOKEN) from a secret";
    /// The backend does not know the token.
    Unauthorized "unauthorized" Auth "set `auth-token` to a valid token; the current one may be revoked or belong to another server";
    /// An organization's token where a user's is needed.
    OrgToken "org-token" Auth "set `pipeline-token` to an access token of a user with the role owner, manager or admin";
    /// The organization is not there for this token.
    NotAMember "not-a-member" Auth "check `org`, and that the token's owner is a member of that organization";
    /// The user's role does not allow it.
    MissingScope "missing-scope" Auth "ask an owner, manager or admin of the organization";
    /// No connection, or no answer.
    Unreachable "unreachable" Unavailable "check `url`, the network and the proxy variables";
    /// The rate limit held until the deadline.
    RateLimited "rate-limited" Unavailable "raise `timeout`, or run fewer jobs at once";
    /// The backend failed.
    BackendError "backend-error" Unavailable "run again later; completed steps are kept";
    /// The total deadline passed.
    Deadline "deadline" Unavailable "raise `timeout`, or check what the run was waiting for in the last log line";
    /// The embedded backend's file cannot be used.
    Database "database" Unavailable "check the file set as `database`, its folder and its permissions";
    /// The outputs cannot be written.
    OutputsUnwritable "outputs-unwritable" Outputs "check the file in the message, its folder and its permissions";
    /// SIGINT or SIGTERM.
    Cancelled "cancelled" Cancelled "run again; completed steps are kept, and the remaining ones are carried out";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// What a run can fail with.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What could not be done, why, and what the reader can change. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Which failure it is.
    pub code: ErrorCode,
    /// What could not be done and its cause, in one sentence without a full stop.
    pub message: String,
    /// What the reader can change.
    pub hint: String,
    /// The HTTP status of whoever refused, when there was one.
    pub status: Option<u16>,
    /// Where in a manifest the mistake stands, when it is one of a value there.
    pub place: Option<LineColumn>,
    /// Whether it is that an input was not given, which a job without secrets cannot help.
    pub is_missing_input: bool,
    /// Whether what is to be changed is not there, or is going.
    pub is_gone: bool,
    /// Each of several mistakes, when there are more than one.
    pub errors: Vec<Self>,
}

impl Error {
    /// A failure with the general hint of its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: code.hint().to_owned(),
            status: None,
            place: None,
            is_missing_input: false,
            is_gone: false,
            errors: Vec::new(),
        }
    }

    /// Replaces the hint by one that knows more.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The failure for a person at a terminal.
    pub fn report(&self) -> String {
        format!("error: {self}\n  hint: {}\n  see: {}\n", self.hint, self.code.page())
    }

    /// Notes that it is an input that was not given.
    #[must_use]
    pub fn for_missing_input(self) -> Self {
        Self { is_missing_input: true, ..self }
    }

    /// Its texts, and those of the several that it stands for.
    pub(crate) fn texts_mut(&mut self) -> Vec<&mut String> {
        let each = self.errors.iter_mut().flat_map(Self::texts_mut);
        [&mut self.message, &mut self.hint].into_iter().chain(each).collect()
    }

    /// It, or each of the several that it stands for.
    pub fn into_each(self) -> Vec<Self> {
        if self.errors.is_empty() { vec![self] } else { self.errors }
    }

    /// Whether its exit code may be tolerated: none of several that it stands for is a mistake that
    /// `tolerate` does not cover.
    pub fn is_tolerable(&self) -> bool {
        let is_covered =
            |one: &Self| one.is_missing_input || (3..=6).contains(&one.code.exit().number());
        (3..=6).contains(&self.code.exit().number()) && self.errors.iter().all(is_covered)
    }

    /// Says all mistakes at once, each one once; the first one gives code and hint.
    ///
    /// Returns `None` when there is none.
    pub fn combine(failures: Vec<Self>) -> Option<Self> {
        let mut each: Vec<Self> = Vec::new();
        for failure in failures.into_iter().flat_map(Self::into_each) {
            if !each.contains(&failure) {
                each.push(failure);
            }
        }
        let first = each.first()?.clone();
        if each.len() == 1 {
            return Some(first);
        }
        let messages: Vec<_> = each.iter().map(|failure| failure.message.as_str()).collect();
        let message = format!("{} errors: {}", each.len(), messages.join("; "));
        let is_missing_input = each.iter().all(|failure| failure.is_missing_input);
        Some(Self { message, is_missing_input, errors: each, ..first })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The slug of the warning about whatever was given and is not used.
pub const UNUSED_INPUT: &str = "unused-input";

/// Something the reader should know although the run went on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Warning {
    /// Its slug in the `warnings` output.
    pub slug: &'static str,
    /// One sentence for a person.
    pub message: String,
}

impl Warning {
    /// A warning with its slug.
    pub fn new(slug: &'static str, message: impl Into<String>) -> Self {
        Self { slug, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_mistakes_are_said_at_once_under_the_first_code() {
        let mistakes = vec![
            Error::new(ErrorCode::MissingField, "`a` is missing"),
            Error::new(ErrorCode::BadField, "`b` is no URL"),
        ];
        let failure = Error::combine(mistakes).unwrap();
        assert_eq!(failure.code, ErrorCode::MissingField);
        assert_eq!(failure.message, "2 errors: `a` is missing; `b` is no URL");
    }
}
