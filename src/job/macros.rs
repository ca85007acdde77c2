//! What a CI system leaves in a value in the place of a variable that it has not put there.
//!
//! A table by host of what each documents. Azure leaves `$(NAME)` where no variable has the name,
//! Jenkins and a pipe of Bitbucket `${NAME}`; elsewhere what is left was written in a place where
//! nothing is put in, or for another system.

use super::host::Host;
use crate::env::Env;

/// How a variable is written: what stands before and after the name, and what the name is made of.
struct MacroSyntax {
    open: &'static str,
    /// Empty where the name ends with its last letter.
    close: &'static str,
    is_name: fn(char) -> bool,
}

/// `$(NAME)`, of Azure. A secret of a key vault may have a hyphen.
const PARENTHESES: MacroSyntax = MacroSyntax { open: "$(", close: ")", is_name: is_dotted };
/// `$[ EXPRESSION ]`, of Azure, in a place where it is not evaluated.
const BRACKETS: MacroSyntax = MacroSyntax { open: "$[", close: "]", is_name: is_expression };
/// `$[[ inputs.NAME ]]`, of GitLab's components.
const INPUT: MacroSyntax = MacroSyntax { open: "$[[", close: "]]", is_name: is_expression };
/// `<< parameters.NAME >>`, of CircleCI.
const ANGLES: MacroSyntax = MacroSyntax { open: "<<", close: ">>", is_name: is_dotted };
/// `${{ EXPRESSION }}`, of GitHub and its kin, and of Azure's templates.
const EXPRESSION: MacroSyntax = MacroSyntax { open: "${{", close: "}}", is_name: is_expression };
/// `$${NAME}` and `$$NAME`, which Buildkite and Woodpecker turn into `${NAME}` and `$NAME`.
const ESCAPED_BRACES: MacroSyntax = MacroSyntax { open: "$${", close: "}", is_name: is_word };
const ESCAPED: MacroSyntax = MacroSyntax { open: "$$", close: "", is_name: is_word };
/// `${NAME}` and `$NAME`, of shells and of most systems.
const BRACES: MacroSyntax = MacroSyntax { open: "${", close: "}", is_name: is_word };
const DOLLAR: MacroSyntax = MacroSyntax { open: "$", close: "", is_name: is_word };

/// What each host leaves where no variable has the name.
const UNDEFINED: &[(Host, &[MacroSyntax])] = &[
    (Host::Azure, &[PARENTHESES]),
    (Host::Jenkins, &[BRACES, DOLLAR]),
    (Host::Bitbucket, &[BRACES, DOLLAR]),
];

/// What each host puts variables in by, in other places than where it is left.
const MISPLACED: &[(Host, &[MacroSyntax])] = &[
    (Host::Azure, &[BRACKETS]),
    (Host::Gitlab, &[INPUT, DOLLAR]),
    (Host::Circleci, &[ANGLES]),
    (Host::Buildkite, &[ESCAPED_BRACES, ESCAPED, DOLLAR]),
    (Host::Woodpecker, &[ESCAPED_BRACES, ESCAPED, DOLLAR]),
];

/// What is left on any CI system when it was written for another one, or for a shell.
const FOREIGN: &[MacroSyntax] = &[EXPRESSION, BRACES, DOLLAR];

/// A variable in a text that the host has not put in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnexpandedMacro<'a> {
    /// The macro as it stands: `$(NAME)`.
    pub text: &'a str,
    /// Whether it is the whole text.
    pub is_whole: bool,
    /// Whether this host leaves it where no variable has the name.
    pub is_undefined: bool,
    /// Whether it is one of this host, and not of another one or of a shell.
    pub is_of_host: bool,
    /// Whether nothing but `$` marks it, as a text of another kind may have it too.
    pub is_bare: bool,
    /// Whether it is what a shell expands, which an address or a pattern may hold.
    pub is_of_shells: bool,
}

impl UnexpandedMacro<'_> {
    /// Whether its name is not the one that variables have by custom either, which is of capitals.
    pub fn is_faint(&self) -> bool {
        let name = self.text.trim_start_matches('$');
        self.is_bare && (name.len() < 2 || name.contains(|c: char| c.is_ascii_lowercase()))
    }
}

/// The hosts whose macros may be left in a text: the one that this process runs on, and the one that was
/// named, whose job may have started a container without any marker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MacroHosts {
    detected: Host,
    named: Host,
}

impl MacroHosts {
    /// The hosts of a run.
    pub fn new(detected: Host, named: Option<Host>) -> Self {
        Self { detected, named: named.unwrap_or(detected) }
    }

    /// The same by the flag and the variable of `ci`.
    pub fn of_run(typed: Option<&String>, env: &Env) -> Self {
        Self::new(Host::detect(env), Host::named(typed, env))
    }

    /// Every macro in a text that one of them leaves.
    pub fn macros_in(self, text: &str) -> Vec<UnexpandedMacro<'_>> {
        let mut found = self.detected.macros_in(text);
        if self.named != self.detected {
            found.extend(self.named.macros_in(text));
        }
        found
    }
}

impl Host {
    /// Every macro in a text that this host leaves; on a person's own machine none is one.
    pub fn macros_in(self, text: &str) -> Vec<UnexpandedMacro<'_>> {
        if !self.is_ci() {
            return Vec::new();
        }
        let of_host = |table: &'static [(Self, &'static [MacroSyntax])]| {
            table.iter().filter(move |(host, _)| *host == self).flat_map(|(_, all)| *all)
        };
        let own = of_host(UNDEFINED).map(|syntax| (syntax, true, true));
        let misplaced = of_host(MISPLACED).map(|syntax| (syntax, true, false));
        let foreign = FOREIGN.iter().map(|syntax| (syntax, false, false));
        let found = |(syntax, is_of_host, is_undefined): (&'static MacroSyntax, bool, bool)| {
            let found = syntax.find(text)?;
            Some(UnexpandedMacro {
                text: found,
                is_whole: found == text.trim(),
                is_undefined,
                is_of_host,
                is_bare: syntax.close.is_empty(),
                is_of_shells: matches!(syntax.open, "$" | "${"),
            })
        };
        own.chain(misplaced).chain(foreign).filter_map(found).collect()
    }
}

impl MacroSyntax {
    /// The first macro of this syntax.
    fn find<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.match_indices(self.open).find_map(|(start, _)| {
            let rest = &text[start + self.open.len()..];
            let length = self.name_length(rest)?;
            let name = rest[..length].trim();
            let starts_well = name.starts_with(|c: char| !c.is_ascii_digit() && c != '-');
            let is_name = starts_well && name.chars().all(self.is_name);
            is_name.then(|| &text[start..][..self.open.len() + length + self.close.len()])
        })
    }

    /// How long the name before what closes it is; with nothing there it ends where letters do.
    fn name_length(&self, rest: &str) -> Option<usize> {
        if !self.close.is_empty() {
            return rest.find(self.close);
        }
        let length = rest.find(|c| !(self.is_name)(c)).unwrap_or(rest.len());
        let goes_on = rest[length..].starts_with(char::is_alphanumeric);
        (!goes_on).then_some(length)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_dotted(c: char) -> bool {
    is_word(c) || matches!(c, '.' | '-')
}

fn is_expression(c: char) -> bool {
    !c.is_control() && !matches!(c, '{' | '}' | '[' | ']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(host: Host, text: &str) -> Vec<&str> {
        host.macros_in(text).into_iter().map(|found| found.text).collect()
    }

    /// By Azure's documentation of variables and expressions: what a value holds, and what is left.
    #[test]
    fn azure_leaves_the_macros_of_its_documentation() {
        for (text, found) in [
            ("$(Token)", Some(("$(Token)", true, true))),
            (" $(Build.SourceBranchName)\n", Some(("$(Build.SourceBranchName)", true, true))),
            ("$(my-vault-secret)", Some(("$(my-vault-secret)", true, true))),
            ("web@$(TAG)", Some(("$(TAG)", false, true))),
            ("$(a)$(b)", Some(("$(a)", false, true))),
            ("$[variables.tag]", Some(("$[variables.tag]", true, false))),
            ("${{ variables.tag }}", Some(("${{ variables.tag }}", true, false))),
            ("$(date +%s)", None),
            ("$()", None),
            ("$ (Token)", None),
            ("$(Token", None),
            ("price: 5$", None),
        ] {
            let all = Host::Azure.macros_in(text);
            let first = all.first().map(|one| (one.text, one.is_whole, one.is_undefined));
            assert_eq!(first, found, "{text}");
        }
    }

    #[test]
    fn each_host_has_forms_of_its_own() {
        assert_eq!(texts(Host::Circleci, "<< parameters.env >>"), ["<< parameters.env >>"]);
        assert_eq!(texts(Host::Buildkite, "web@$$TAG")[..2], ["$$TAG", "$TAG"]);
        assert_eq!(texts(Host::Gitlab, "$[[ inputs.tag ]]"), ["$[[ inputs.tag ]]"]);
        for host in [Host::Github, Host::Gitlab, Host::UnknownCi] {
            assert!(texts(host, "$(NAME) << a >>").is_empty(), "{host:?}");
        }
        assert!(texts(Host::Local, "$(A) ${A} $ABC ${{ a }} << a >>").is_empty());
    }

    #[test]
    fn a_named_host_leaves_its_macros_beside_those_of_the_detected_one() {
        let texts = |detected, named, text| -> Vec<_> {
            let hosts = MacroHosts::new(detected, named);
            hosts.macros_in(text).into_iter().map(|found| found.text).collect()
        };
        assert_eq!(texts(Host::Local, Some(Host::Azure), "$(A)"), ["$(A)"]);
        assert_eq!(texts(Host::Azure, Some(Host::Github), "$(A)"), ["$(A)"]);
        assert_eq!(texts(Host::Gitlab, Some(Host::Local), "$ABC")[0], "$ABC");
        assert_eq!(texts(Host::Github, Some(Host::Azure), "$ABC"), ["$ABC", "$ABC"]);
        assert!(texts(Host::Local, None, "$(A) ${A}").is_empty());
    }

    #[test]
    fn a_dollar_alone_is_a_faint_mark_but_for_a_name_of_capitals() {
        let found = |text| -> Vec<_> {
            let all = Host::Gitlab.macros_in(text).into_iter();
            all.map(|found| (found.text, found.is_faint())).collect()
        };
        assert_eq!(found("web@$CI_COMMIT_TAG-1")[0], ("$CI_COMMIT_TAG", false));
        for (text, name) in
            [("a$b", "$b"), ("$Name", "$Name"), ("$A", "$A"), ("w@$my_v-1", "$my_v")]
        {
            assert_eq!(found(text)[0], (name, true), "{text}");
        }
        for text in ["$1", "$", "$5", "US$", "$é"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
