//! The logging commands that the agent of Azure Pipelines reads on standard output.
//!
//! Turns data into text and writes nothing. The agent finds `##vso[` anywhere in a line, which is
//! what `github::neutral` breaks in the text of others.

use super::github;

/// One command with its line end; `properties` with empty values are left out.
///
/// `event` and the properties' keys are the caller's own words and go in as they are.
pub fn command(event: &str, properties: &[(&str, &str)], data: &str) -> String {
    let properties = github::join_properties(properties, ";", escape_property);
    let space = if properties.is_empty() { "" } else { " " };
    format!("##vso[{event}{space}{properties}]{}\n", escape_data(data))
}

/// The commands that mask one secret: the lines that are masked on GitHub.
pub fn masks(secret: &str) -> Vec<String> {
    github::masked_lines(secret)
        .into_iter()
        .map(|line| command("task.setsecret", &[], line))
        .collect()
}

/// Sets one output variable of the step: `redirect-url` is `$(step.redirect_url)` afterwards.
///
/// A hyphen would not survive in the names of a script's variables. `$(` is broken up, as the
/// agent would replace `$(NAME)` by a variable, a secret one too, in a job that inherits the value.
pub fn set_output(name: &str, value: &str) -> String {
    let (name, value) = (name.replace('-', "_"), output_value(value));
    command("task.setvariable", &[("variable", &name), ("isOutput", "true")], &value)
}

/// The value of an output as a job that inherits it may see it.
pub(super) fn output_value(value: &str) -> String {
    value.replace("$(", "$ (")
}

fn escape_data(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(']', "%5D").replace(';', "%3B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_without_properties_has_no_space() {
        assert_eq!(command("task.setsecret", &[], "s3cr3t"), "##vso[task.setsecret]s3cr3t\n");
        assert_eq!(command("task.setsecret", &[("a", "")], "x"), "##vso[task.setsecret]x\n");
    }

    /// By the page on logging commands of Azure's documentation: each command that is written, and
    /// each character that has to be escaped in it.
    #[test]
    fn every_command_is_as_documented() {
        let issue = [("type", "error"), ("code", "a;b]c%d")];
        for (line, documented) in [
            (
                command("task.logissue", &issue, "100% of a]; b\r\nc"),
                "##vso[task.logissue type=error;code=a%3Bb%5Dc%AZP25d]100%AZP25 of a]; b%0D%0Ac",
            ),
            (
                command("task.uploadsummary", &[], "/home/vsts/work/_temp/a.md"),
                "##vso[task.uploadsummary]/home/vsts/work/_temp/a.md",
            ),
            (
                set_output("redirect-url", "https://e.example/%20"),
                "##vso[task.setvariable variable=redirect_url;isOutput=true]https://e.example/%AZP2520",
            ),
            (masks("two words 100%").concat(), "##vso[task.setsecret]two words 100%AZP25"),
        ] {
            assert_eq!(line, format!("{documented}\n"));
        }
        // Parts of a secret are not masked by themselves, so each line is a secret of its own.
        let lines = masks("-----BEGIN KEY-----\nabcdef\n\nghijkl\n");
        assert!(lines.contains(&"##vso[task.setsecret]abcdef\n".to_owned()), "{lines:?}");
        assert!(lines.contains(&"##vso[task.setsecret]ghijkl\n".to_owned()), "{lines:?}");
        assert!(lines.iter().all(|line| line.matches('\n').count() == 1), "{lines:?}");
    }

    #[test]
    fn an_output_names_no_other_variable_and_ends_no_command() {
        let line = set_output("error-message", "a $(System.AccessToken)\n##vso[task.complete]");
        let head = "##vso[task.setvariable variable=error_message;isOutput=true]";
        assert_eq!(line, format!("{head}a $ (System.AccessToken)%0A##vso[task.complete]\n"));
    }
}
