//! The way from the first run, which waits, to the last, with a stand-in as the third party.
//!
//! After each process it makes sure that nothing secret of the exchange is anywhere but where it
//! may be.

use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, FakeGitLab, ForgeKind};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::Value;
use std::cell::RefCell;
use url::Url;

/// Where the backend's pages are, in each journey.
pub(crate) const SITE: &str = "https://sentry.example.com";

/// The columns that may hold secrets: those in which Sentry keeps them.
const ALLOWED: [&str; 4] = [
    "pipeline_state.data",
    "identity.data",
    "integration.metadata",
    "organization_integration.config",
];

/// A first run, what comes after it, and the third party.
pub(crate) struct BrowserFlow {
    /// The first run.
    pub(crate) run: ProgramRun,
    pub(crate) party: FakeGitLab,
    /// The pages that were shown so far.
    pages: RefCell<Vec<String>>,
}

impl BrowserFlow {
    /// `acme` asks for an integration with the GitLab group `my-group`.
    pub(crate) fn gitlab(run: ProgramRun) -> Self {
        let party = FakeGitLab::new(ForgeKind::Gitlab);
        let state = gitlab_state(&party, CLIENT_SECRET, "group: my-group");
        Self::new(run.embedded("gitlab", &state), party)
    }

    /// `acme` asks for an integration with Gitea.
    pub(crate) fn gitea(run: ProgramRun) -> Self {
        let party = FakeGitLab::new(ForgeKind::Gitea);
        let origin = &party.origin;
        let state =
            format!("{{url: '{origin}', clientId: {CLIENT_ID}, clientSecret: {CLIENT_SECRET}}}");
        Self::new(run.embedded("gitea", &state), party)
    }

    /// Everything is logged, as JSON.
    pub(crate) fn new(run: ProgramRun, party: FakeGitLab) -> Self {
        let run = run
            .var("FINISHLINE_URL", SITE)
            .var("FINISHLINE_LOG_LEVEL", "trace")
            .var("FINISHLINE_LOG_FORMAT", "json");
        Self { run, party, pages: RefCell::default() }
    }

    /// The first run with another state.
    pub(crate) fn with_state(&self, state: &str) -> ProgramRun {
        self.run.clone().var("FINISHLINE_STATE", state)
    }

    /// Runs the first run, which must wait; the page to approve on.
    #[track_caller]
    pub(crate) fn wait(&self) -> String {
        self.wait_for(&self.run)
    }

    /// Runs another first run, which must wait; the page to approve on.
    #[track_caller]
    pub(crate) fn wait_for(&self, run: &ProgramRun) -> String {
        let ended = run.execute().expect(3);
        let page = ended.output("redirect-url");
        self.note_page(&page);
        self.assert_nothing_leaks(&ended);
        page
    }

    /// Remembers a page that was shown: its own place is where a callback's value may be seen.
    pub(crate) fn note_page(&self, page: &str) {
        self.pages.borrow_mut().push(page.to_owned());
    }

    /// Waits, and has the person approve; the address that the browser ends at.
    #[track_caller]
    pub(crate) fn approved(&self) -> String {
        self.party.approve(&self.wait())
    }

    /// The run that goes on. It knows nothing of what the first run was told but organization,
    /// backend and how to speak.
    pub(crate) fn resume_run(&self, callback: &str) -> ProgramRun {
        let run = self.run.clone().args(&["resume"]).var("FINISHLINE_CALLBACK_URL", callback);
        ["PROVIDER", "STATE", "NEXT", "URL", "MODE", "INTEGRATION_ID"]
            .iter()
            .fold(run, |run, name| run.without(&format!("FINISHLINE_{name}")))
    }

    /// Goes on with this callback.
    #[track_caller]
    pub(crate) fn resume(&self, callback: &str) -> RunResult {
        let ended = self.resume_run(callback).execute();
        self.assert_nothing_leaks(&ended);
        ended
    }

    /// The whole way.
    #[track_caller]
    pub(crate) fn install(&self) {
        self.resume(&self.approved()).expect(0);
    }

    /// The values that callbacks must bring back.
    fn handed_out(&self) -> Vec<String> {
        self.pages.borrow().iter().map(|page| parameter(page, "state")).collect()
    }

    #[track_caller]
    pub(crate) fn assert_nothing_leaks(&self, ended: &RunResult) {
        let masks = |line: &&str| !line.starts_with("::add-mask::");
        let mut said = ended.everything().lines().filter(masks).collect::<Vec<_>>().join("\n");
        for page in self.pages.borrow().iter() {
            said = said.replace(page, "");
        }
        let mut secrets = self.party.secrets();
        secrets.extend(self.handed_out());
        for secret in &secrets {
            assert!(!said.contains(secret), "{secret} is said: {said}");
        }
        for (column, text) in self.columns() {
            let is_allowed = ALLOWED.contains(&column.as_str());
            let held = secrets.iter().find(|secret| text.contains(*secret));
            assert!(is_allowed || held.is_none(), "{column} holds {held:?}: {text}");
        }
    }

    /// Every column of the database with all that it holds.
    fn columns(&self) -> Vec<(String, String)> {
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
        let mut columns = Vec::new();
        for table in self.run.rows(tables) {
            for name in self.run.rows(&format!("SELECT name FROM pragma_table_info('{table}')")) {
                let text = self.run.rows(&format!("SELECT {name} FROM {table}")).join("\n");
                columns.push((format!("{table}.{name}"), text));
            }
        }
        columns
    }
}

/// The state of a GitLab application with this secret, and more fields.
pub(crate) fn gitlab_state(party: &FakeGitLab, secret: &str, more: &str) -> String {
    let origin = &party.origin;
    format!("{{url: '{origin}', clientId: {CLIENT_ID}, clientSecret: {secret}, {more}}}")
}

/// A parameter of an address.
#[track_caller]
pub(crate) fn parameter(address: &str, name: &str) -> String {
    let url = Url::parse(address).unwrap();
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{name} is no parameter")).1.into_owned()
}

/// The lines of a JSON log with this message.
pub(crate) fn logged(ended: &RunResult, message: &str) -> Vec<Value> {
    let lines = ended.stderr.lines().filter(|line| line.starts_with('{'));
    let read = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    read.filter(|line| line["message"] == message).collect()
}
