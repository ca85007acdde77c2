//! A matrix of projects that share one version, as in a monorepo: each job makes its own deploy, and
//! none a second one, whatever keeps the releases.

use crate::release::requests::HEAD;
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::proxy::{ProxyAction, ServeProxy, forward};
use crate::support::rows::rows;
use crate::support::run::{ProgramRun, RunResult};
use crate::support::serve::{ServeProcess, TOKEN};
use rusqlite::Connection;
use std::sync::Arc;

const PROJECTS: [&str; 4] = ["web", "api", "worker", "docs"];

/// What keeps the releases of a matrix.
enum Keeper {
    /// A file.
    Embedded(ProgramRun),
    /// A server, with what stands before it.
    Sentry(ServeProxy),
}

impl Keeper {
    fn embedded() -> Self {
        Self::Embedded(ProgramRun::github().var("FINISHLINE_BACKEND", "embedded"))
    }

    /// A Sentry whose listing of deploys knows projects, as since 2024.
    fn sentry(action: impl Fn(&Request) -> ProxyAction + Send + Sync + 'static) -> Self {
        Self::Sentry(ServeProxy::before(serve(), action))
    }

    /// A Sentry of 2023: it lists the deploys of a release, whatever their projects.
    fn old_sentry() -> Self {
        let serve = Arc::new(serve());
        let target = Arc::clone(&serve);
        let peer = HttpServer::new(move |request| match request.line().ends_with("/deploys/") {
            true => forward(&target, &Request { target: request.path().into(), ..request.clone() }),
            false => forward(&target, request),
        });
        Self::Sentry(ServeProxy { serve, peer })
    }

    fn all() -> [Self; 3] {
        [Self::embedded(), Self::sentry(|_| ProxyAction::Forward), Self::old_sentry()]
    }

    /// A job of the run 7 that deploys these projects.
    fn job(&self, projects: &str) -> ProgramRun {
        let job = match self {
            Self::Embedded(run) => run.clone().var("FINISHLINE_DATABASE", run.database()),
            Self::Sentry(relay) => ProgramRun::github()
                .var("SENTRY_URL", relay.peer.url())
                .var("SENTRY_AUTH_TOKEN", TOKEN),
        };
        job.var("GITHUB_EVENT_NAME", "push")
            .var("GITHUB_REF", "refs/heads/main")
            .var("GITHUB_REPOSITORY", "acme/mono")
            .var("GITHUB_SERVER_URL", "https://github.com")
            .var("GITHUB_RUN_ID", "7")
            .var("GITHUB_SHA", HEAD)
            .var("SENTRY_ORG", "acme")
            .var("SENTRY_PROJECT", projects)
            .var("FINISHLINE_COMMITS", "none")
            .var("FINISHLINE_ENVIRONMENT", "production")
            // Others have the file for a while when all begin at once.
            .var("FINISHLINE_TIMEOUT", "60s")
    }

    fn database(&self) -> Connection {
        match self {
            Self::Embedded(run) => run.connection(),
            Self::Sentry(relay) => relay.serve.database(),
        }
    }

    /// The projects of each deploy, in the order in which they were made.
    fn deploys(&self) -> Vec<String> {
        let sql = "SELECT (SELECT group_concat(slug) FROM (SELECT slug FROM deploy_project
                       JOIN project ON project.id = project_id WHERE deploy_id = deploy.id
                       ORDER BY slug))
                   FROM deploy ORDER BY id";
        rows(&self.database(), sql)
    }
}

fn serve() -> ServeProcess {
    let projects = PROJECTS.iter().flat_map(|project| ["--project", project]);
    let arguments: Vec<_> = ["--org", "acme"].into_iter().chain(projects).collect();
    ServeProcess::over(tempfile::tempdir().unwrap(), &arguments, Some(TOKEN))
}

#[track_caller]
fn assert_deployed(job: &ProgramRun, changed_and_id: &str) -> RunResult {
    let ended = job.execute().expect(0);
    assert_eq!(ended.joined(["changed", "deploy-id"]), changed_and_id, "{}", ended.stderr);
    ended
}

#[test]
fn each_project_gets_its_deploy_and_a_job_that_runs_again_makes_none() {
    for keeper in Keeper::all() {
        for (nth, project) in PROJECTS.iter().enumerate() {
            assert_deployed(&keeper.job(project), &format!("true {}", nth + 1));
        }
        for project in PROJECTS {
            let again = keeper.job(project).execute().expect(0);
            assert_eq!(again.output("changed"), "false", "{project}: {}", again.stderr);
        }
        assert_eq!(keeper.deploys(), PROJECTS);
    }
}

#[test]
fn a_release_that_had_all_projects_before_leaves_each_its_deploy() {
    for keeper in Keeper::all() {
        let all = keeper.job(&PROJECTS.join(",")).var("FINISHLINE_RELEASE", HEAD);
        all.without("FINISHLINE_ENVIRONMENT").execute().expect(0);
        for project in PROJECTS {
            let ended = keeper.job(project).execute().expect(0);
            assert_eq!(ended.output("changed"), "true", "{project}: {}", ended.stderr);
        }
        for project in PROJECTS {
            assert_eq!(keeper.job(project).execute().expect(0).output("changed"), "false");
        }
        assert_eq!(keeper.deploys(), PROJECTS);
    }
}

#[test]
fn jobs_at_the_same_time_leave_each_project_its_deploy() {
    for keeper in Keeper::all() {
        for changed in ["true", "false"] {
            let started = PROJECTS.map(|project| keeper.job(project).start());
            for (project, running) in PROJECTS.iter().zip(started) {
                let ended = running.wait().expect(0);
                assert_eq!(ended.output("changed"), changed, "{project}: {}", ended.stderr);
            }
        }
        let deploys = keeper.deploys();
        assert_eq!(deploys.len(), PROJECTS.len(), "{deploys:?}");
        for project in PROJECTS {
            assert!(deploys.iter().any(|one| one.split(',').any(|slug| slug == project)));
        }
    }
}

#[test]
fn a_job_that_failed_before_its_deploy_makes_it_when_it_runs_again() {
    let is_first_deploy =
        |request: &Request| request.line().starts_with("POST releases/a") && request.nth == 0;
    let keeper = Keeper::sentry(move |request| match is_first_deploy(request) {
        true => ProxyAction::Intercept(Response::detail(418, "no deploys today")),
        false => ProxyAction::Forward,
    });
    keeper.job("web").execute().expect(6);
    assert_deployed(&keeper.job("api"), "true 1");
    assert_deployed(&keeper.job("web"), "true 2");
    assert_deployed(&keeper.job("api"), "false 1");
    assert_deployed(&keeper.job("web"), "false 2");
    assert_eq!(keeper.deploys(), ["api", "web"]);
}

/// What another project was deployed since is nothing to this one.
#[test]
fn only_a_newer_deploy_of_the_same_project_makes_an_old_job_a_deploy() {
    for keeper in Keeper::all() {
        let of = |project: &str, version: &str, run: &str| {
            keeper.job(project).var("FINISHLINE_RELEASE", version).var("GITHUB_RUN_ID", run)
        };
        assert_deployed(&of("web", "v1", "1"), "true 1");
        assert_deployed(&of("api", "v1", "1"), "true 2");
        assert_deployed(&of("web", "v2", "2"), "true 3");
        let again = of("api", "v1", "1").execute().expect(0);
        assert_eq!(again.output("changed"), "false", "{}", again.stderr);
        assert_deployed(&of("web", "v1", "1"), "true 4");
        assert_deployed(&of("web", "v1", "1"), "false 4");
    }
}

/// Sentry's listing does not say which other projects a deploy has, so there the first serves both.
#[test]
fn a_deploy_of_more_projects_is_another_deploy() {
    let keeper = Keeper::embedded();
    assert_deployed(&keeper.job("web,api"), "true 1");
    assert_deployed(&keeper.job("web"), "true 2");
    assert_deployed(&keeper.job("api, web"), "false 1");
    assert_deployed(&keeper.job("web"), "false 2");
    assert_eq!(keeper.deploys(), ["api,web", "web"]);
    let keeper = Keeper::sentry(|_| ProxyAction::Forward);
    assert_deployed(&keeper.job("web,api"), "true 1");
    assert_deployed(&keeper.job("web"), "false 1");
    assert_deployed(&keeper.job("web,docs"), "true 2");
    assert_deployed(&keeper.job("web,docs"), "false 2");
}

#[test]
fn a_lost_answer_is_not_looked_for_among_the_deploys_of_others() {
    let keeper = Keeper::sentry(|request| match request.line().starts_with("POST releases/a") {
        true if request.nth == 1 => ProxyAction::ReplaceResponse(Response::close()),
        _ => ProxyAction::Forward,
    });
    assert_deployed(&keeper.job("web"), "true 1");
    assert_deployed(&keeper.job("api"), "true 2");
    assert_eq!(keeper.deploys(), ["web", "api"]);
}
