//! A Sentry of 2026 in small: what a finish needs of its API, with state, behind the peer. A test
//! wraps its answers where that Sentry is to fail.

use crate::support::http_server::{Peer, Reply, Request};
use crate::support::run::{Ended, Run};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};

/// The token that it knows.
pub(crate) const TOKEN: &str = "sntryu_t0ken-0f-an-0wner";

pub(crate) const LIST: &str = "GET integrations/";
pub(crate) const POST: &str = "POST pipeline/integration_pipeline/";
pub(crate) const LOOK: &str = "GET pipeline/integration_pipeline/";
pub(crate) const ORGANIZATION: &str = "GET ";

/// An Opsgenie account with a secret key.
pub(crate) const OPSGENIE: &str = crate::support::run::STATE;
/// A GitLab application with a secret.
pub(crate) const GITLAB: &str =
    "{url: 'https://gitlab.example.com', clientId: app, clientSecret: gitl4b-secret}";

/// One session of a pipeline.
struct Session {
    cookie: String,
    provider: String,
    step: usize,
}

impl Session {
    /// What the callback of a third party brings back.
    fn state(&self) -> String {
        self.cookie.replace("s3ss10n", "0auth-state")
    }
}

/// What that Sentry has stored.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) integrations: Vec<Value>,
    pub(crate) repositories: Vec<Value>,
    /// The code mappings, as `project stackRoot sourceRoot`, all of `acme/web`.
    pub(crate) mappings: Vec<String>,
    sessions: Vec<Session>,
    begun: usize,
}

impl World {
    /// Answers as Sentry does when nothing is wrong.
    pub(crate) fn answer(&mut self, request: &Request) -> Reply {
        if request.header("authorization") != format!("Bearer {TOKEN}") {
            return Reply::detail(401, "Invalid token");
        }
        let host = request.header("host");
        match request.line().as_str() {
            "GET /api/0/" => Reply::json(200, &json!({"version": "0", "auth": null})),
            ORGANIZATION => {
                let links = json!({"organizationUrl": format!("http://{host}")});
                Reply::json(200, &json!({"slug": "acme", "links": links}))
            }
            LIST => self.list(&request.parameter("providerKey"), host),
            POST => self.post(request),
            LOOK => match self.session(request) {
                Some(session) => Reply::json(200, &show(session)),
                None => Reply::detail(404, "No active pipeline session."),
            },
            _ => self.repository_answer(request),
        }
    }

    fn list(&self, provider: &str, host: &str) -> Reply {
        let ours = |item: &&Value| item["provider"]["key"] == provider;
        let items: Vec<_> = self.integrations.iter().filter(ours).cloned().collect();
        let url = format!("http://{host}/api/0/organizations/acme/integrations/");
        let link = |relation: &str, cursor: &str| {
            format!(
                "<{url}?&cursor={cursor}>; rel=\"{relation}\"; results=\"false\"; cursor=\"{cursor}\""
            )
        };
        let links = format!("{}, {}", link("previous", "100:-1:1"), link("next", "100:1:0"));
        Reply::json(200, &Value::Array(items)).with("Link", &links)
    }

    fn session(&self, request: &Request) -> Option<&Session> {
        self.sessions.iter().find(|session| request.header("cookie").contains(&session.cookie))
    }

    fn post(&mut self, request: &Request) -> Reply {
        let body = request.json();
        if body["action"] == "initialize" {
            return self.initialize(body["provider"].as_str().unwrap_or_default());
        }
        let cookie = self.session(request).map(|session| session.cookie.clone());
        let session = self.sessions.iter_mut().find(|one| cookie.as_ref() == Some(&one.cookie));
        let Some(session) = session else {
            return Reply::detail(404, "No active pipeline session.");
        };
        let steps = steps(&session.provider).unwrap();
        if steps[session.step] == "oauth_login" && body["state"] != session.state() {
            let data = json!({"detail": "An error occurred while validating your request."});
            return Reply::json(400, &json!({"status": "error", "data": data}));
        }
        session.step += 1;
        if session.step < steps.len() {
            let mut shown = show(session);
            shown["status"] = "advance".into();
            return Reply::json(200, &shown);
        }
        let provider = session.provider.clone();
        self.sessions.retain(|one| cookie.as_ref() != Some(&one.cookie));
        let named = ["provider", "name"].iter().find_map(|name| body[*name].as_str());
        let data = self.finish(&provider, named.unwrap_or("its-group"));
        Reply::json(200, &json!({"status": "complete", "data": data}))
    }

    fn initialize(&mut self, provider: &str) -> Reply {
        if steps(provider).is_none() {
            return Reply::detail(404, &format!("Unknown provider: {provider}"));
        }
        self.begun += 1;
        let cookie = format!("s3ss10n-{}", self.begun);
        let session = Session { cookie, provider: provider.to_owned(), step: 0 };
        let set = format!("sentrysid={}; HttpOnly; Max-Age=1209600; Path=/", session.cookie);
        let reply = Reply::json(200, &show(&session)).with("Set-Cookie", &set);
        self.sessions.push(session);
        reply
    }

    /// Stores an integration, over the one of the same account.
    pub(crate) fn finish(&mut self, provider: &str, account: &str) -> Value {
        let same =
            |item: &Value| item["provider"]["key"] == provider && item["externalId"] == account;
        let at = self.integrations.iter().position(same);
        let id = at.unwrap_or(self.integrations.len()) + 1;
        let data = integration(id, provider, account);
        match at {
            Some(at) => self.integrations[at] = data.clone(),
            None => self.integrations.push(data.clone()),
        }
        data
    }

    fn repository_answer(&mut self, request: &Request) -> Reply {
        let (body, line) = (request.json(), request.line());
        match line.as_str() {
            "GET repos/" => {
                let id = request.parameter("integration_id");
                let ours = |one: &&Value| one["integrationId"] == id.as_str();
                Reply::json(200, &self.repositories.iter().filter(ours).cloned().collect())
            }
            "POST repos/" => {
                let name = body["identifier"].clone();
                let known = self.repositories.iter().any(|one| one["name"] == name);
                if known {
                    let detail = json!({"code": "repo_exists", "message": "it is there"});
                    return Reply::json(400, &json!({"detail": detail}));
                }
                let integration = body["installation"].clone();
                let repository = json!({"name": name, "integrationId": integration});
                self.repositories.push(repository.clone());
                Reply::json(201, &repository)
            }
            "GET code-mappings/" => {
                Reply::json(200, &self.mappings.iter().map(|one| mapping(one)).collect())
            }
            "POST code-mappings/bulk/" => self.map_code(&body),
            line if line.starts_with("GET integrations/") && line.ends_with("/repos/") => {
                let name = request.parameter("search");
                let found = json!([{"name": name, "identifier": name}]);
                Reply::json(200, &json!({"repos": found, "searchable": true}))
            }
            _ => Reply::detail(404, "The requested resource does not exist"),
        }
    }

    fn map_code(&mut self, body: &Value) -> Reply {
        let (mut created, mut updated) = (0, 0);
        for one in body["mappings"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let key = format!("{} {} ", text(&body["project"]), text(&one["stackRoot"]));
            let before = self.mappings.len();
            self.mappings.retain(|known| !known.starts_with(&key));
            if self.mappings.len() == before {
                created += 1
            } else {
                updated += 1
            }
            self.mappings.push(format!("{key}{}", text(&one["sourceRoot"])));
        }
        Reply::json(
            200,
            &json!({"created": created, "updated": updated, "errors": 0, "mappings": []}),
        )
    }
}

/// The steps of a provider. `tool` and `chat` are known to this Sentry alone.
fn mapping(known: &str) -> Value {
    let mut words = known.split(' ');
    let mut next = || words.next().unwrap_or_default();
    let (project, stack_root, source_root) = (next(), next(), next());
    json!({
        "projectSlug": project,
        "repoName": "acme/web",
        "stackRoot": stack_root,
        "sourceRoot": source_root,
        "defaultBranch": "main",
    })
}

fn steps(provider: &str) -> Option<&'static [&'static str]> {
    match provider {
        "opsgenie" => Some(&["installation_config"]),
        "pagerduty" => Some(&["installation_redirect"]),
        "gitlab" | "gitea" => Some(&["installation_config", "oauth_login"]),
        "tool" => Some(&["first", "second"]),
        "chat" => Some(&["oauth_login"]),
        _ => None,
    }
}

fn show(session: &Session) -> Value {
    let steps = steps(&session.provider).unwrap();
    let step = steps[session.step];
    let url = format!("https://gitlab.example.com/oauth/authorize?state={}", session.state());
    let data = if step == "oauth_login" { json!({"oauthUrl": url}) } else { json!({}) };
    json!({
        "step": step,
        "stepIndex": session.step,
        "totalSteps": steps.len(),
        "provider": session.provider,
        "data": data,
    })
}

/// An organization's integration, as the API has it.
pub(crate) fn integration(id: usize, provider: &str, account: &str) -> Value {
    json!({
        "id": id.to_string(),
        "name": account,
        "domainName": null,
        "status": "active",
        "provider": {"key": provider, "slug": provider, "name": provider},
        "configData": {"team_table": [{"integration_key": "k3y-in-the-configuration"}]},
        "externalId": account,
        "organizationId": 1,
        "organizationIntegrationStatus": "active",
    })
}

/// That Sentry at work.
pub(crate) struct Sentry {
    pub(crate) peer: Peer,
    world: Arc<Mutex<World>>,
}

impl Sentry {
    /// One that has nothing and where nothing is wrong.
    pub(crate) fn new() -> Self {
        Self::with(World::answer)
    }

    /// One that answers as `answer` says.
    pub(crate) fn with(
        answer: impl Fn(&mut World, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let world = Arc::<Mutex<World>>::default();
        let of_peer = Arc::clone(&world);
        let peer = Peer::new(move |request| answer(&mut of_peer.lock().unwrap(), request));
        Self { peer, world }
    }

    /// The same with an integration that is there already.
    pub(crate) fn having(self, provider: &str, account: &str) -> Self {
        self.world().finish(provider, account);
        self
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// A GitHub step that asks it for an integration.
    pub(crate) fn step(&self, provider: &str, state: &str) -> Run {
        step(&self.peer.url(), provider, state)
    }

    /// A GitHub step that asks it for the Opsgenie account.
    pub(crate) fn opsgenie(&self) -> Run {
        self.step("opsgenie", OPSGENIE)
    }

    /// The bodies that were posted to the pipeline.
    pub(crate) fn posts(&self) -> Vec<Value> {
        let requests = self.peer.requests();
        requests.iter().filter(|one| one.line() == POST).map(Request::json).collect()
    }
}

/// A GitHub step that asks the Sentry at this address for an integration.
pub(crate) fn step(url: &str, provider: &str, state: &str) -> Run {
    Run::github()
        .var("SENTRY_URL", url)
        .var("SENTRY_AUTH_TOKEN", TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("NO_PROXY", "127.0.0.1")
        .var("FINISHLINE_PROVIDER", provider)
        .var("FINISHLINE_STATE", state)
}

/// The lines that hold a secret which a person could read afterwards: all but the masks.
pub(crate) fn leaks(ended: &Ended, secret: &str) -> Vec<String> {
    let everything = ended.everything();
    let lines = everything.lines().filter(|line| !line.starts_with("::add-mask::"));
    lines.filter(|line| line.contains(secret)).map(str::to_owned).collect()
}

/// Runs to a failure: this exit and code, outputs that say so, no token anywhere.
#[track_caller]
pub(crate) fn fails(run: &Run, exit: i32, code: &str) -> Ended {
    let ended = run.go().expect(exit);
    assert_eq!(ended.said(["status", "error-code"]), format!("error {code}"), "{}", ended.stderr);
    assert!(!ended.output("error-message").is_empty());
    assert_eq!(leaks(&ended, TOKEN), [""; 0]);
    ended
}

/// Runs to a finish: these values of status, changed and integration id, no token anywhere.
#[track_caller]
pub(crate) fn completes(run: &Run, said: &str) -> Ended {
    let ended = run.go().expect(0);
    assert_eq!(ended.said(["status", "changed", "integration-id"]), said, "{}", ended.stderr);
    assert_eq!(leaks(&ended, TOKEN), [""; 0]);
    ended
}
