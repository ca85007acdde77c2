//! Azure Pipelines, for repositories of its own and of GitHub.

use url::Url;

use super::Job;
use super::reader::{self, JobEnv};

/// Gathers the facts of a branch's, a tag's or a pull request's run.
pub(super) fn read(facts: &JobEnv<'_>) -> Job {
    let git_ref = facts.text("BUILD_SOURCEBRANCH");
    let named = |prefix| reader::ref_name(git_ref.as_deref(), prefix);
    // The other one, `…PULLREQUESTID`, is GitHub's internal id where GitHub has the code.
    let number = facts.number("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER");
    let number = number.or_else(|| facts.number("SYSTEM_PULLREQUEST_PULLREQUESTID"));
    let source = facts.text("SYSTEM_PULLREQUEST_SOURCEBRANCH").and_then(reader::short_branch);
    let job = Job {
        repository: repository(facts),
        event: facts.text("BUILD_REASON"),
        actor: facts.text("BUILD_REQUESTEDFOR"),
        // Not `BUILD_SOURCEBRANCHNAME`: that is the last part of the path alone.
        branch: source.or_else(|| named("refs/heads/")),
        tag: named("refs/tags/"),
        base_ref: facts.text("SYSTEM_PULLREQUEST_TARGETBRANCH").and_then(reader::short_branch),
        pull_request: number,
        is_fork: is_fork(facts).filter(|_| number.is_some()),
        environment: facts.text("ENVIRONMENT_NAME"),
        run_url: run_url(facts),
        run_url_without_attempt: run_url(facts),
        git_ref,
        ..Job::default()
    };
    let checkout = facts.sha("BUILD_SOURCEVERSION");
    let pushed = checkout.clone().filter(|_| number.is_none());
    job.at(facts.sha("SYSTEM_PULLREQUEST_SOURCECOMMITID").or(pushed), checkout)
}

/// Takes the name, with the spaces that it may hold here, unless it is a URL.
fn repository(facts: &JobEnv<'_>) -> Option<String> {
    facts.text("BUILD_REPOSITORY_NAME").filter(|name| !name.contains([':', '@']))
}

fn is_fork(facts: &JobEnv<'_>) -> Option<bool> {
    let is = |value| facts.is("SYSTEM_PULLREQUEST_ISFORK", value).then_some(value == "True");
    is("True").or_else(|| is("False"))
}

/// Builds the run's page; a project's name may hold spaces.
fn run_url(facts: &JobEnv<'_>) -> Option<String> {
    let mut url = Url::parse(&facts.link("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI")?).ok()?;
    let project = facts.text("SYSTEM_TEAMPROJECT")?;
    let build = facts.number("BUILD_BUILDID")?;
    url.path_segments_mut().ok()?.pop_if_empty().extend([&project, "_build", "results"]);
    url.set_query(Some(&format!("buildId={build}")));
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::super::Host;
    use super::*;

    fn job(variables: &[(&str, &str)]) -> Job {
        Job::read(Host::Azure, &variables.iter().copied().collect(), None)
    }

    #[test]
    fn a_project_with_a_space_still_has_a_page() {
        let azure = job(&[
            ("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI", "https://dev.azure.com/acme/"),
            ("SYSTEM_TEAMPROJECT", "My Project"),
            ("BUILD_BUILDID", "5"),
        ]);
        let page = "https://dev.azure.com/acme/My%20Project/_build/results?buildId=5";
        assert_eq!(azure.run_url.as_deref(), Some(page));
    }
}
