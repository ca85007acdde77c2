//! A Sentry of 2026 in small: what a finish needs of its API, with state, behind the peer. A test
//! wraps its answers where that Sentry is to fail.

use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};

/// The token that it knows.
pub(crate) const TOKEN: &str = "sntryu_t0ken-0f-an-0wner";

pub(crate) const GET_INTEGRATIONS: &str = "GET integrations/";
pub(crate) const POST_PIPELINE: &str = "POST pipeline/integration_pipeline/";
pub(crate) const GET_PIPELINE: &str = "GET pipeline/integration_pipeline/";
pub(crate) const GET_ORGANIZATION: &str = "GET ";

/// An Opsgenie account with a secret key.
pub(crate) const OPSGENIE: &str = crate::support::run::STATE;
/// A GitLab application with a secret.
pub(crate) const GITLAB: &str =
    "{url: 'https://gitlab.example.com', clientId: app, clientSecret: gitl4b-secret}";

/// One session of a pipeline.
struct PipelineSession {
    cookie: String,
    provider: String,
    step: usize,
}

impl PipelineSession {
    /// What the callback of a third party brings back.
    fn state(&self) -> String {
        self.cookie.replace("s3ss10n", "0auth-state")
    }
}

/// What that Sentry has stored.
#[derive(Default)]
pub(crate) struct SentryData {
    pub(crate) integrations: Vec<Value>,
    pub(crate) repositories: Vec<Value>,
    /// The code mappings, as `project stackRoot sourceRoot`, all of `acme/web`.
    pub(crate) mappings: Vec<String>,
    sessions: Vec<PipelineSession>,
    started: usize,
}

impl SentryData {
    /// Answers as Sentry does when nothing is wrong.
    pub(crate) fn answer(&mut self, request: &Request) -> Response {
        if request.header("authorization") != format!("Bearer {TOKEN}") {
            return Response::detail(401, "Invalid token");
        }
        let host = request.header("host");
        match request.line().as_str() {
            "GET /api/0/" => Response::json(200, &json!({"version": "0", "auth": null})),
            GET_ORGANIZATION => {
                let links = json!({"organizationUrl": format!("http://{host}")});
                Response::json(200, &json!({"slug": "acme", "links": links}))
            }
            GET_INTEGRATIONS => self.list(&request.parameter("providerKey"), host),
            POST_PIPELINE => self.post(request),
            GET_PIPELINE => match self.session(request) {
                Some(session) => Response::json(200, &step_json(session)),
                None => Response::detail(404, "No active pipeline session."),
            },
            line => match self.integration_of(line) {
                Some(integration) => Response::json(200, integration),
                None => self.repository_answer(request),
            },
        }
    }

    /// The integration that a request reads.
    fn integration_of(&self, line: &str) -> Option<&Value> {
        let id = line.strip_prefix(GET_INTEGRATIONS)?.strip_suffix('/')?;
        self.integrations.iter().find(|item| item["id"] == id)
    }

    fn list(&self, provider: &str, host: &str) -> Response {
        let is_listed = |item: &&Value| item["provider"]["key"] == provider;
        let items: Vec<_> = self.integrations.iter().filter(is_listed).cloned().collect();
        let url = format!("http://{host}/api/0/organizations/acme/integrations/");
        let link = |relation: &str, cursor: &str| {
            format!(
                "<{url}?&cursor={cursor}>; rel=\"{relation}\"; results=\"false\"; cursor=\"{cursor}\""
            )
        };
        let links = format!("{}, {}", link("previous", "100:-1:1"), link("next", "100:1:0"));
        Response::json(200, &Value::Array(items)).with("Link", &links)
    }

    fn session(&self, request: &Request) -> Option<&PipelineSession> {
        self.sessions.iter().find(|session| request.header("cookie").contains(&session.cookie))
    }

    fn post(&mut self, request: &Request) -> Response {
        let body = request.json();
        if body["action"] == "initialize" {
            return self.initialize(body["provider"].as_str().unwrap_or_default());
        }
        let cookie = self.session(request).map(|session| session.cookie.clone());
        let session = self.sessions.iter_mut().find(|item| cookie.as_ref() == Some(&item.cookie));
        let Some(session) = session else {
            return Response::detail(404, "No active pipeline session.");
        };
        let steps = steps(&session.provider).unwrap();
        if steps[session.step] == "oauth_login" && body["state"] != session.state() {
            let data = json!({"detail": "An error occurred while validating your request."});
            return Response::json(400, &json!({"status": "error", "data": data}));
        }
        session.step += 1;
        if session.step < steps.len() {
            let mut step = step_json(session);
            step["status"] = "advance".into();
            return Response::json(200, &step);
        }
        let provider = session.provider.clone();
        self.sessions.retain(|item| cookie.as_ref() != Some(&item.cookie));
        let account = ["provider", "name"].iter().find_map(|name| body[*name].as_str());
        let data = self.finish(&provider, account.unwrap_or("its-group"));
        Response::json(200, &json!({"status": "complete", "data": data}))
    }

    fn initialize(&mut self, provider: &str) -> Response {
        if steps(provider).is_none() {
            return Response::detail(404, &format!("Unknown provider: {provider}"));
        }
        self.started += 1;
        let cookie = format!("s3ss10n-{}", self.started);
        let session = PipelineSession { cookie, provider: provider.to_owned(), step: 0 };
        let set = format!("sentrysid={}; HttpOnly; Max-Age=1209600; Path=/", session.cookie);
        let response = Response::json(200, &step_json(&session)).with("Set-Cookie", &set);
        self.sessions.push(session);
        response
    }

    /// Stores an integration, over the one of the same account.
    pub(crate) fn finish(&mut self, provider: &str, account: &str) -> Value {
        let is_same =
            |item: &Value| item["provider"]["key"] == provider && item["externalId"] == account;
        let at = self.integrations.iter().position(is_same);
        let id = at.unwrap_or(self.integrations.len()) + 1;
        let data = integration(id, provider, account);
        match at {
            Some(at) => self.integrations[at] = data.clone(),
            None => self.integrations.push(data.clone()),
        }
        data
    }

    fn repository_answer(&mut self, request: &Request) -> Response {
        let (body, line) = (request.json(), request.line());
        match line.as_str() {
            "GET repos/" => {
                let id = request.parameter("integration_id");
                let is_listed = |item: &&Value| item["integrationId"] == id.as_str();
                Response::json(200, &self.repositories.iter().filter(is_listed).cloned().collect())
            }
            "POST repos/" => {
                let name = body["identifier"].clone();
                let known = self.repositories.iter().any(|item| item["name"] == name);
                if known {
                    let detail = json!({"code": "repo_exists", "message": "it is there"});
                    return Response::json(400, &json!({"detail": detail}));
                }
                let integration = body["installation"].clone();
                let repository = json!({"name": name, "integrationId": integration});
                self.repositories.push(repository.clone());
                Response::json(201, &repository)
            }
            "GET code-mappings/" => {
                Response::json(200, &self.mappings.iter().map(|item| mapping(item)).collect())
            }
            "POST code-mappings/bulk/" => self.map_code(&body),
            line if line.starts_with("GET integrations/") && line.ends_with("/repos/") => {
                let name = request.parameter("search");
                let found = json!([{"name": name, "identifier": name}]);
                Response::json(200, &json!({"repos": found, "searchable": true}))
            }
            _ => Response::detail(404, "The requested resource does not exist"),
        }
    }

    fn map_code(&mut self, body: &Value) -> Response {
        let (mut created, mut updated) = (0, 0);
        for item in body["mappings"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let key = format!("{} {} ", text(&body["project"]), text(&item["stackRoot"]));
            let before = self.mappings.len();
            self.mappings.retain(|known| !known.starts_with(&key));
            if self.mappings.len() == before {
                created += 1
            } else {
                updated += 1
            }
            self.mappings.push(format!("{key}{}", text(&item["sourceRoot"])));
        }
        Response::json(
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

fn step_json(session: &PipelineSession) -> Value {
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
pub(crate) struct FakeSentry {
    pub(crate) peer: HttpServer,
    data: Arc<Mutex<SentryData>>,
}

impl FakeSentry {
    /// One that has nothing and where nothing is wrong.
    pub(crate) fn new() -> Self {
        Self::with(SentryData::answer)
    }

    /// One that answers as `answer` says.
    pub(crate) fn with(
        answer: impl Fn(&mut SentryData, &Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        let data = Arc::<Mutex<SentryData>>::default();
        let server_data = Arc::clone(&data);
        let peer =
            HttpServer::new(move |request| answer(&mut server_data.lock().unwrap(), request));
        Self { peer, data }
    }

    /// The same with an integration that is there already.
    pub(crate) fn with_integration(self, provider: &str, account: &str) -> Self {
        self.data().finish(provider, account);
        self
    }

    pub(crate) fn data(&self) -> MutexGuard<'_, SentryData> {
        self.data.lock().unwrap()
    }

    /// A GitHub step that requests an integration of it.
    pub(crate) fn step(&self, provider: &str, state: &str) -> ProgramRun {
        step(&self.peer.url(), provider, state)
    }

    /// A GitHub step that requests the Opsgenie integration.
    pub(crate) fn opsgenie(&self) -> ProgramRun {
        self.step("opsgenie", OPSGENIE)
    }

    /// The bodies that were posted to the pipeline.
    pub(crate) fn posts(&self) -> Vec<Value> {
        let requests = self.peer.requests();
        requests.iter().filter(|item| item.line() == POST_PIPELINE).map(Request::json).collect()
    }
}

/// A GitHub step that requests an integration of the Sentry at this URL.
pub(crate) fn step(url: &str, provider: &str, state: &str) -> ProgramRun {
    ProgramRun::github()
        .var("SENTRY_URL", url)
        .var("SENTRY_AUTH_TOKEN", TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("NO_PROXY", "127.0.0.1")
        .var("FINISHLINE_PROVIDER", provider)
        .var("FINISHLINE_STATE", state)
}

/// The lines that hold a secret which a person could read afterwards: all but the masks.
pub(crate) fn leaks(ended: &RunResult, secret: &str) -> Vec<String> {
    let everything = ended.everything();
    let lines = everything.lines().filter(|line| !line.starts_with("::add-mask::"));
    lines.filter(|line| line.contains(secret)).map(str::to_owned).collect()
}

/// Runs to a failure: this exit and code, outputs that say so, no token anywhere.
#[track_caller]
pub(crate) fn assert_fails(run: &ProgramRun, exit: i32, code: &str) -> RunResult {
    let ended = run.execute().expect(exit);
    assert_eq!(ended.joined(["status", "error-code"]), format!("error {code}"), "{}", ended.stderr);
    assert!(!ended.output("error-message").is_empty());
    assert_eq!(leaks(&ended, TOKEN), [""; 0]);
    ended
}

/// Runs to a finish: these values of status, changed and integration id, no token anywhere.
#[track_caller]
pub(crate) fn assert_completes(run: &ProgramRun, expected: &str) -> RunResult {
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["status", "changed", "integration-id"]), expected, "{}", ended.stderr);
    assert_eq!(leaks(&ended, TOKEN), [""; 0]);
    ended
}
