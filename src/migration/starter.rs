//! The first CI file of a project that has none: a release with its deploy, and source maps if asked.

use super::workflow_step::ACTION;
use crate::model::OrgSlug;
use crate::text::words::word_enum;
use crate::text::yaml_writer::is_other_than_text;

word_enum! {
    /// The hosts that a file is written for.
    pub enum StarterHost {
        /// A workflow of GitHub Actions.
        Github = "github",
        /// A pipeline of GitLab CI.
        Gitlab = "gitlab",
    }
}

const WORKFLOW_HEAD: &str = "\
name: Sentry release
on:
  push:
    branches: [{branch}]
permissions:
  contents: read
jobs:
  release:
    runs-on: ubuntu-latest
    steps:
";

const WORKFLOW_BUILD: &str = "      - uses: actions/checkout@v5
        with:
          fetch-depth: 0 # For the commits.
      - uses: actions/setup-node@v6
        with:
          node-version: 22
      # The build must write {folder}, with source maps. Put your package manager's commands here.
      - run: npm ci
      - run: npm run build
";

const WORKFLOW_STEP: &str = "      - uses: {action}
        with:
{inputs}        env:
          SENTRY_AUTH_TOKEN: ${{ secrets.SENTRY_AUTH_TOKEN }}
";

const WORKFLOW_END: &str = "      # Deploy {folder} below: its scripts have debug ids now.
";

const PIPELINE: &str = "\
include:
  - component: $CI_SERVER_FQDN/{component}/finishline@{version}
    inputs:
{inputs}";

/// No other branch is deployed.
const PIPELINE_RULES: &str = "
finishline:
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
";

const PIPELINE_BUILD: &str = "
stages: [build, release, deploy]

build:
  stage: build
  image: node:22
  script:
    # The build must write the folder below, with source maps. Put your package manager's commands here.
    - npm ci
    - npm run build
  artifacts:
    paths: [{folder}]

finishline:
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  artifacts:
    paths: [{folder}] # The scripts, now with debug ids: deploy them in the next stage.
";

impl StarterHost {
    /// Where the host looks for the file.
    pub fn file(self) -> &'static str {
        match self {
            Self::Github => ".github/workflows/sentry.yml",
            Self::Gitlab => ".gitlab-ci.yml",
        }
    }
}

/// What the file does.
pub struct StarterOptions {
    /// For whom it is written.
    pub host: StarterHost,
    /// The organization.
    pub org: OrgSlug,
    /// The slugs of the projects, separated by commas.
    pub projects: String,
    /// Where the release is deployed to.
    pub environment: String,
    /// The folder that the build writes, if its source maps are uploaded.
    pub sourcemaps: Option<String>,
    /// The address of a Sentry other than sentry.io.
    pub url: Option<String>,
    /// The branch that is deployed.
    pub branch: String,
}

impl StarterOptions {
    /// The file.
    pub fn text(&self) -> String {
        match self.host {
            StarterHost::Github => self.workflow(),
            StarterHost::Gitlab => self.pipeline(),
        }
    }

    fn workflow(&self) -> String {
        let folder = self.sourcemaps.as_deref().unwrap_or_default();
        let with_build = |part: &'static str| if folder.is_empty() { "" } else { part };
        let template =
            [WORKFLOW_HEAD, with_build(WORKFLOW_BUILD), WORKFLOW_STEP, with_build(WORKFLOW_END)];
        let inputs = self.inputs("          ");
        let text = template.concat().replace("{action}", ACTION).replace("{folder}", folder);
        let text = text.replace("{branch}", &scalar(&self.branch));
        text.replace("{inputs}", &inputs)
    }

    fn pipeline(&self) -> String {
        let component = ACTION.split_once('@').map_or(ACTION, |(name, _)| name);
        let inputs = self.inputs("      ");
        let template = match &self.sourcemaps {
            None => format!("{PIPELINE}{PIPELINE_RULES}"),
            // What deploys the scripts comes after the stage that changes them.
            Some(folder) => {
                let build = PIPELINE_BUILD.replace("{folder}", &scalar(folder));
                format!("{PIPELINE}      stage: release\n{build}")
            }
        };
        let text = template.replace("{component}", component);
        text.replace("{version}", env!("CARGO_PKG_VERSION")).replace("{inputs}", &inputs)
    }

    /// The inputs, each on a line of its own.
    fn inputs(&self, indent: &str) -> String {
        let given = [
            ("url", self.url.as_deref()),
            ("org", Some(self.org.as_str())),
            ("projects", Some(self.projects.as_str())),
            ("environment", Some(self.environment.as_str())),
            ("sourcemaps", self.sourcemaps.as_deref()),
        ];
        let line = |(name, value)| format!("{indent}{name}: {}\n", scalar(value));
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let keeps_private = self.sourcemaps.as_ref();
        let keeps_private = keeps_private
            .map(|_| format!("{indent}delete-sourcemaps: true # Keeps your sources private.\n"));
        given.map(line).chain(keeps_private).collect()
    }

    /// What is left to do by hand.
    pub fn next_steps(&self) -> String {
        let (org, site) = (&self.org, self.url.as_deref().unwrap_or("https://sentry.io"));
        let site = site.trim_end_matches('/');
        let secret = match self.host {
            StarterHost::Github => "gh secret set SENTRY_AUTH_TOKEN",
            StarterHost::Gitlab => "glab variable set SENTRY_AUTH_TOKEN --masked --protected",
        };
        let branch = match self.host {
            StarterHost::Github => format!(" to {}, the branch that it runs for", self.branch),
            StarterHost::Gitlab => String::new(),
        };
        format!(
            "  1. create an organization token: {site}/settings/{org}/auth-tokens/\n  2. store it as a \
             secret: {secret}\n  3. commit the file and push{branch}\n"
        )
    }
}

/// A value that YAML reads as this text; [`is_plain`] holds for it.
fn scalar(value: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let is_text = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.chars().all(is_word)
        && !is_other_than_text(value);
    if is_text { value.to_owned() } else { format!("\"{value}\"") }
}

/// Whether a text can be written into the file: nothing that YAML, a shell or the host would read as
/// more than a text.
pub fn is_plain(value: &str) -> bool {
    let is_allowed = |c: char| c.is_alphanumeric() || " _-./:,*@+".contains(c);
    !value.trim().is_empty() && value.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_same_text_to_yaml() {
        for value in [
            "no",
            "1.10",
            "2026-01-01",
            "null",
            "dist",
            "production",
            "a: b",
            "x:",
            "web, api",
            "*",
            "~x",
        ] {
            let read: serde_yaml::Value = serde_yaml::from_str(&scalar(value)).unwrap();
            assert_eq!(read.as_str(), Some(value));
        }
    }

    #[test]
    fn what_a_host_would_expand_is_not_plain() {
        assert!(
            ["web, api", "dist/**", "https://a.example:8443/x"].iter().all(|value| is_plain(value))
        );
        for value in
            ["", " ", "${{ x }}", "$X", "a\nb", "a\"b", "a'b", "a\\b", "a`b", "a#b", "[[x]]"]
        {
            assert!(!is_plain(value), "{value}");
        }
    }
}
