//! What is fed with anything at all: each target reads it as the program would, and then holds what
//! came of it to what was meant. None may panic, and none may take long.

#[path = "readers.rs"]
mod readers;
#[path = "source_maps.rs"]
mod source_maps;

use crate::support::runner_parser::{self, OutputFile, WorkflowCommand};
use finishline::env::Env;
use finishline::error::{Error, ErrorCode, Warning};
use finishline::git::{Checkout, CommitRange};
use finishline::inputs::raw::{CommandLineFlags, RawInputs};
use finishline::inputs::state::FieldInput;
use finishline::inputs::{ColorChoice, LogLevel, OutputFormat, OutputOptions, ResultFormat};
use finishline::integration::callback::Callback;
use finishline::job::{Host, Job, MacroHosts};
use finishline::manifest::Manifest;
use finishline::model::{RecordId, token};
use finishline::outcome::changes::{ChangeAction, ChangedKind, PlanComparison, PlannedPlace};
use finishline::outcome::{IntegrationOutcome, Outcome, OutcomeStatus, ReleaseOutcome};
use finishline::output::paths::RunPaths;
use finishline::output::table;
use finishline::output::{OutputSinks, WriteOp};
use finishline::text::neutral::{is_break, is_invisible};
use finishline::text::page::PageUrl;
use finishline::text::scrubber::SecretScrubber;
use finishline::text::{one_line, yaml};
use finishline::{backend, provider};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use tokio::runtime::Builder;

/// One target.
pub(crate) type Target = fn(&[u8]);

/// Every target, by the name of its folder under `corpus`.
pub(crate) const TARGETS: [(&str, Target); 22] = [
    ("state", state),
    ("manifest", manifest),
    ("callback", callback),
    ("token", token),
    ("link", link),
    ("error_body", error_body),
    ("page", error_body),
    ("event", event),
    ("outputs", written),
    ("git", history),
    ("git_files", readers::git_files),
    ("sentry_cli", readers::sentry_cli),
    ("repository", readers::repository),
    ("macros", readers::macros),
    ("resume_file", readers::resume_file),
    ("date", readers::dates),
    ("bundle", readers::bundle),
    ("script", source_maps::script),
    ("source_map", source_maps::source_map),
    ("archive", source_maps::archive),
    ("words", words),
    ("secret", secret),
];

/// A word that stands in no message by itself.
const MARK: &str = "Zq7Xk9Wv3Jp5";

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// Nobody's file.
fn no_file(_: &str) -> std::io::Result<String> {
    Err(std::io::ErrorKind::NotFound.into())
}

/// Messages are for a person, and quote no secret.
fn assert_words(failures: &[Error]) {
    for failure in failures {
        assert!(!failure.message.is_empty() && !failure.message.contains(MARK), "{failure}");
        assert!(!failure.message.contains(['\n', '\r', '\u{1b}']), "{failure}");
    }
}

fn state(data: &[u8]) {
    let text = text(data);
    for state in [text.clone(), format!("apiKey: {MARK}\n{text}"), format!("{{a: {MARK}, {text}")] {
        let env: Env = [("FINISHLINE_STATE", &state)].into_iter().collect();
        let (given, _) = RawInputs::collect(CommandLineFlags::default(), &env, &no_file);
        assert_words(&FieldInput::read(&given, &env, &no_file).1);
        assert_words(
            &FieldInput::read_apps(&state, "apps", (&env, MacroHosts::default()), &no_file).1,
        );
    }
    // What another program writes as YAML is read as what was meant.
    let meant: BTreeMap<_, _> = [("name", text.as_str()), ("key", MARK)].into();
    let written = serde_yaml::to_string(&meant).unwrap();
    if let Ok(document) = yaml::read(&written) {
        for (name, value) in meant {
            let found = document.at(&[name.to_owned()]).and_then(serde_yaml::Value::as_str);
            assert_eq!(found, Some(value));
        }
    }
}

fn manifest(data: &[u8]) {
    let text = text(data);
    let env = Env::default();
    let (given, _) = RawInputs::collect(CommandLineFlags::default(), &env, &no_file);
    let variable = |name: &str| name.len().is_multiple_of(2).then(|| MARK.to_owned());
    for text in [
        text.clone(),
        format!("version: 1\n{text}"),
        format!(
            "version: 1\nintegrations:\n  - provider: opsgenie\n    state:\n      apiKey: {text}"
        ),
    ] {
        match Manifest::read("finishline.yml", &text, &given, &variable) {
            Ok((_, mistakes)) => assert_words(&mistakes),
            Err(failure) => assert_words(&[failure]),
        }
    }
}

fn callback(data: &[u8]) {
    let text = text(data);
    for address in [text.clone(), format!("https://x/extensions/{text}/setup/?code={MARK}&state=a")]
    {
        match Callback::parse(&address) {
            Err(failure) => assert_words(&[failure]),
            Ok(callback) => {
                let secrets = callback.secrets();
                assert!(callback.text("code") != MARK || secrets.iter().any(|one| one == MARK));
                for provider in provider::PROVIDERS {
                    for step in provider.steps() {
                        drop(callback.fields(step));
                    }
                }
            }
        }
    }
    let mut query = url::form_urlencoded::Serializer::new("https://x/setup/?".to_owned());
    let address = query.append_pair("state", "a").append_pair("code", &text).finish();
    if let Ok(callback) = Callback::parse(&address) {
        // The address is pasted by a person, and trimmed; its encoding keeps blanks from its end.
        assert_eq!(callback.text("code"), text);
    }
}

fn token(data: &[u8]) {
    let text = text(data);
    let is_known = |kind: &token::TokenKind| matches!(kind, token::TokenKind::Organization(_));
    for given in [text.clone(), format!("sntrys_{text}")] {
        let kind = token::kind(&given);
        assert!(!is_known(&kind) || given.starts_with("sntrys_"));
        if let token::TokenKind::Organization(claims) = kind {
            assert!(claims.organization_mismatch(Some(&claims.org)).is_none());
            drop(claims.server_mismatch(&url::Url::parse("https://sentry.io").unwrap()));
        }
    }
}

/// What others say, as a line, a page and an id.
fn words(data: &[u8]) {
    let text = text(data);
    let line = one_line(&text);
    let lower = line.to_ascii_lowercase();
    assert!(!["##[", "##vso", "##teamcity"].iter().any(|one| lower.contains(one)), "{line:?}");
    assert!(!["section_start:", "section_end:"].iter().any(|one| line.contains(one)), "{line:?}");
    assert!(!line.trim_start().starts_with("::"), "{line:?}");
    assert!(!line.contains(|c: char| is_break(c) || is_invisible(c)), "{line:?}");
    assert_eq!(one_line(&line), line);
    for address in [text.clone(), format!("https://x/{text}")] {
        if let Ok(page) = PageUrl::parse(&address) {
            let page = page.as_str();
            assert!(page.starts_with("https://") || page.starts_with("http://"), "{page}");
            assert_eq!(one_line(page), page);
            assert_eq!(PageUrl::parse(page).as_ref().map(PageUrl::as_str), Ok(page));
        }
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let id = RecordId::parse(&text);
    assert!(id.is_none_or(|id| id.as_str().chars().all(is_plain)));
}

/// A secret before the first line end, and a text behind it in which the secret stands, too.
fn secret(data: &[u8]) {
    let text = text(data);
    let (secret, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let scrubber = SecretScrubber::default();
    scrubber.learn(&[secret.to_owned()], &[]);
    let mut shown = [rest.to_owned(), format!("{rest}<{secret}>"), format!("<{MARK}>")];
    scrubber.scrub(&mut shown);
    let is_json = secret.trim_start().starts_with(['{', '[']);
    let is_secret = secret.chars().filter(|c| c.is_alphanumeric()).count() >= 24;
    let has_more = secret.contains("***") || secret.contains("http") || secret.contains("-----");
    if is_secret && !is_json && !has_more && !rest.contains("***") {
        assert!(!shown[1].contains(secret), "{shown:?}");
    }
    if !secret.contains(MARK) && secret.chars().count() < 4 {
        assert_eq!(shown[2], format!("<{MARK}>"));
    }
}

fn link(data: &[u8]) {
    let (_, cursor) = backend::sentry::response_texts("", &text(data));
    let fits = |c: char| c.is_ascii_alphanumeric() || ":-._".contains(c);
    assert!(cursor.is_none_or(|cursor| !cursor.is_empty() && cursor.chars().all(fits)));
}

fn error_body(data: &[u8]) {
    let (texts, _) = backend::sentry::response_texts(&text(data), "");
    for text in texts {
        assert!(text.chars().count() <= 300 && !text.contains(char::is_control), "{text:?}");
    }
}

fn event(data: &[u8]) {
    let event = serde_json::from_slice(data).ok();
    let text = text(data);
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let variables = [
        "GITHUB_EVENT_NAME",
        "GITHUB_REF",
        "GITHUB_SHA",
        "GITHUB_REPOSITORY",
        "GITHUB_SERVER_URL",
        "CI_PROJECT_URL",
        "CI_COMMIT_SHA",
        "CI_COMMIT_TAG",
        "CI_PIPELINE_URL",
        "BUILD_REPOSITORY_URI",
        "BUILD_SOURCEBRANCH",
        "CIRCLE_REPOSITORY_URL",
        "BUILDKITE_REPO",
        "BITBUCKET_GIT_HTTP_ORIGIN",
        "CI_REPO_URL",
        "GIT_URL",
    ];
    for host in Host::ALL {
        for value in [first, rest] {
            let env: Env = variables.iter().map(|name| (*name, value)).collect();
            let _ = Job::read(host, &env, event.as_ref()).withheld_secrets();
        }
        let pushed: Env = [("GITHUB_EVENT_NAME", first)].into_iter().collect();
        drop(Job::read(host, &pushed, event.as_ref()));
    }
}

/// An end in which every text that others have a say in is one of these.
fn outcome(text: &str) -> Outcome {
    let parts: Vec<_> = text.split('\u{1}').collect();
    let part = |at: usize| (*parts.get(at).unwrap_or(&text)).to_owned();
    let failure =
        Error { status: Some(400), ..Error::new(ErrorCode::Refused, part(0)).with_hint(part(1)) };
    let subject = IntegrationOutcome {
        provider: part(2),
        redirect_url: PageUrl::parse(&format!("https://x/{}", part(3))).ok(),
        integration: Some((7, part(4))),
        ..IntegrationOutcome::default()
    };
    let release = ReleaseOutcome {
        version: part(5),
        url: PageUrl::parse(&format!("https://x/{}", part(6))).ok(),
        deploy_id: RecordId::parse(&part(7)),
        commit_count: Some(1),
    };
    let mut comparison = PlanComparison::default();
    comparison.begin(ChangeAction::Update, ChangedKind::Repository, &part(4), part(9));
    comparison.field(&part(2), Some(part(10)), Some(part(11)), false);
    Outcome {
        plan: Some(Box::new(comparison.finish(PlannedPlace::default()))),
        subject: Some(subject),
        release: Some(release),
        failure: Some(failure),
        warnings: vec![Warning::new("a-warning", part(8))],
        details: vec![part(9)],
        next_steps: vec![part(10)],
        ..Outcome::new(OutcomeStatus::Error, part(11))
    }
}

/// Where this host's program would write.
fn sinks(host: Host) -> OutputSinks {
    let file = |name: &str| Some(format!("/nowhere/{name}"));
    let voice = OutputOptions {
        host,
        format: ResultFormat::Text,
        log_level: LogLevel::Debug,
        color: ColorChoice::Auto,
        log_format: OutputFormat::Text,
        is_called: false,
        result_file: file("result"),
        dotenv: file("dotenv"),
        output_prefix: "FINISHLINE_OUT_".to_owned(),
        annotations: file("annotations"),
        summary: file("summary"),
    };
    let named = ["GITHUB_OUTPUT", "BASH_ENV", "BITBUCKET_PIPELINES_VARIABLES_PATH"];
    let named = named.map(|name| (name.to_owned(), format!("/nowhere/{name}")));
    let more = ["CI_WORKSPACE", "AGENT_TEMPDIRECTORY"].map(|name| (name.into(), "/nowhere".into()));
    OutputSinks::find(
        &voice,
        &named.into_iter().chain(more).collect(),
        RunPaths::default(),
        SecretScrubber::default(),
    )
    .0
}

fn written(data: &[u8]) {
    let outcome = outcome(&text(data));
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    let mark = format!("finishline_{:016x}", hasher.finish());
    for host in Host::ALL {
        match sinks(host).render(&outcome, &mark) {
            Ok(emits) => {
                let shown = sinks(host).shown_outcome(&outcome);
                emits.iter().for_each(|emit| assert_written(host, emit, &shown));
            }
            Err(failure) => assert_words(&[failure]),
        }
    }
}

/// Whoever reads it gets what was meant, and nothing but it.
fn assert_written(host: Host, emit: &WriteOp, outcome: &Outcome) {
    let values = table::values(outcome);
    match emit {
        WriteOp::Stdout(text) | WriteOp::Stderr(text) => assert_stream(host, text),
        WriteOp::Append(path, text) if path.ends_with("GITHUB_OUTPUT") => {
            let file = OutputFile::read(text.as_bytes());
            assert!(!file.step_fails(), "{:?}", file.error);
            let meant = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
            assert_eq!(file.outputs(), meant.collect());
        }
        WriteOp::Replace(path, text) if path.ends_with("dotenv") => {
            for (name, value) in runner_parser::inherited(text) {
                let is_named = |of: &str| table::env_name("FINISHLINE_OUT_", of) == name;
                let meant = table::fitting(&values).find(|(of, _)| is_named(of));
                let meant = meant.unwrap_or_else(|| panic!("{name} is no output")).1;
                assert_eq!(value, finishline::output::gitlab::one_line(meant));
            }
        }
        WriteOp::Append(path, text) | WriteOp::Replace(path, text)
            if path.ends_with("BASH_ENV") =>
        {
            assert_exports(text);
        }
        WriteOp::Replace(path, text) if path.ends_with("annotations") => {
            assert!(runner_parser::takes_annotations(&serde_json::from_str(text).unwrap()));
        }
        WriteOp::Append(path, text) | WriteOp::Replace(path, text) if path.ends_with("summary") => {
            assert!(!text.contains("<img") && !text.contains("<script"), "{text}");
        }
        WriteOp::Append(..) | WriteOp::Replace(..) | WriteOp::Call(..) => {}
    }
}

/// A stream obeys us alone.
fn assert_stream(host: Host, text: &str) {
    let ours = ["error", "warning", "notice"];
    let is_ours = |said: &WorkflowCommand| {
        let title = said.properties.first().map(|(_, title)| title.as_str());
        said.syntax == 2
            && ours.contains(&&*said.name)
            && title.is_some_and(|title| title.starts_with("finishline: "))
    };
    let is_free = |c: char| !c.is_control() || c == '\t';
    let is_said = |line: &&str| host != Host::Azure || !runner_parser::is_azure_command(line);
    for line in text.split('\n').filter(is_said) {
        assert!(runner_parser::commands(line).iter().all(is_ours), "{line:?}");
        assert!(!line.contains("##vso[") && line.chars().all(is_free), "{line:?}");
    }
}

/// A shell reads assignments of ours, and runs nothing.
fn assert_exports(text: &str) {
    let mut rest = text.trim_start_matches('\n');
    while !rest.is_empty() {
        let (name, quoted) = rest.split_once("='").expect("an export has a value");
        assert!(name.starts_with("export FINISHLINE_OUT_"), "{name:?}");
        rest = quoted;
        loop {
            rest = rest.split_once('\'').expect("a quote ends").1;
            match rest.strip_prefix(r"\''") {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('\n').expect("nothing stands behind a value");
    }
}

/// A commit whose object holds anything: the bytes as they are, and as its author and message.
fn history(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let repository = gix::init_bare(folder.path()).unwrap();
    let write = |kind, bytes: &[u8]| {
        let id = gix::objs::Write::write_buf(&repository.objects, kind, bytes);
        id.unwrap().to_string()
    };
    let tree = write(gix::objs::Kind::Tree, b"");
    let (author, message) = data.split_at(data.len() / 2);
    let author = [author, b" 1700000000 +0000"].concat();
    let tree = format!("tree {tree}\nauthor ");
    let head = [tree.as_bytes(), &author, b"\ncommitter ", &author, b"\n\n", message];
    for bytes in [data.to_vec(), head.concat()] {
        let head = write(gix::objs::Kind::Commit, &bytes);
        let checkout = Checkout::find(folder.path()).unwrap().expect("there is one");
        let range = CommitRange { head: &head, previous: None, most: 10, paths: &[] };
        let read =
            Builder::new_current_thread().build().unwrap().block_on(checkout.history(&range));
        if let Ok(history) = read {
            assert!(history.commits.iter().all(|commit| commit.id.len() == 40));
        }
    }
}
