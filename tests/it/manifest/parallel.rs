//! Many entries under way at once: what disturbs them costs nothing that a second run does not mend.

use crate::support::http_server::{Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Integrations and releases of two organizations on the embedded backend.
fn six_entries() -> ProgramRun {
    let integration = |n: usize| {
        let state = "baseUrl: 'https://api.opsgenie.com/', apiKey: '${KEY}'";
        format!(
            "  - {{provider: opsgenie, org: org-{}, state: {{{state}, provider: ops-{n}}}}}\n",
            n % 2
        )
    };
    let release = |n: usize| {
        format!("  - {{org: org-{}, projects: web, release: v{n}, commits: none}}\n", n % 2)
    };
    let integrations: String = (0..4).map(integration).collect();
    let releases: String = (0..2).map(release).collect();
    let run = ProgramRun::local();
    run.file(
        "finishline.yml",
        format!("version: 1\nintegrations:\n{integrations}releases:\n{releases}"),
    );
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("KEY", "s3cr3t-key")
}

/// What is there, without ids and times.
fn stored_integrations(run: &ProgramRun) -> Vec<String> {
    let links = "SELECT organization.slug, integration.external_id, integration.status, link.status
         FROM organization_integration AS link
         JOIN integration ON integration.id = link.integration_id
         JOIN organization ON organization.id = link.organization_id ORDER BY 1, 2";
    let releases = "SELECT organization.slug, release.version, release.date_released IS NULL
         FROM release JOIN organization ON organization.id = release.organization_id ORDER BY 1, 2";
    [run.rows(links), run.rows(releases)].concat()
}

/// Kills the run at a moment between its start and its end: this many fiftieths of the time that a
/// whole one takes.
fn kill(run: &ProgramRun, whole: Duration, fiftieths: u32) {
    let started = run.start();
    std::thread::sleep(whole * fiftieths / 50);
    drop(started);
}

fn timed(run: &ProgramRun) -> Duration {
    let began = Instant::now();
    run.execute().expect(0);
    began.elapsed()
}

#[test]
fn each_of_fifty_kills_and_a_second_run_end_like_an_undisturbed_run() {
    let undisturbed = six_entries();
    let whole = timed(&undisturbed);
    let right = stored_integrations(&undisturbed);
    assert_eq!(right.len(), 6);
    for fiftieths in 0..50 {
        let run = six_entries();
        kill(&run, whole, fiftieths);
        run.execute().expect(0);
        assert_eq!(stored_integrations(&run), right, "killed after {fiftieths} fiftieths");
    }
}

#[test]
fn each_of_fifty_kills_at_a_sentry_and_a_second_run_leave_one_integration_each() {
    let relay = six_organizations(|_| ProxyAction::Forward);
    let whole = timed(&numbered(&relay, 1000..1006));
    for n in 0..50 {
        let run = numbered(&relay, n * 6..n * 6 + 6);
        kill(&run, whole, u32::try_from(n).unwrap());
        run.execute().expect(0);
    }
    let all = (0..300).chain(1000..1006);
    assert_eq!(accounts(&relay), accounts_of(all));
}

/// Integrations with these numbers at a Sentry; every ten of sixty have one of six organizations.
fn numbered(relay: &ServeProxy, numbers: Range<usize>) -> ProgramRun {
    let state = "baseUrl: 'https://api.opsgenie.com/', apiKey: '${KEY}'";
    let entry = |n: usize| {
        let org = org_of(n);
        format!(
            "  - {{provider: opsgenie, org: org-{org}, state: {{{state}, provider: ops-{n}}}}}\n"
        )
    };
    let entries: String = numbers.map(entry).collect();
    let run = ProgramRun::local();
    run.file("finishline.yml", format!("version: 1\nintegrations:\n{entries}"));
    run.var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("FINISHLINE_URL", relay.peer.url())
        .var("FINISHLINE_AUTH_TOKEN", PROXY_TOKEN)
        .var("KEY", "s3cr3t-key")
}

fn org_of(n: usize) -> usize {
    n / 10 % 6
}

fn sixty(relay: &ServeProxy) -> ProgramRun {
    numbered(relay, 0..60)
}

fn six_organizations(fate: impl Fn(&Request) -> ProxyAction + Send + Sync + 'static) -> ServeProxy {
    let orgs: Vec<_> = (0..6).map(|n| format!("org-{n}")).collect();
    let arguments: Vec<_> = orgs.iter().flat_map(|org| ["--org", org]).collect();
    let folder = tempfile::tempdir().unwrap();
    ServeProxy::before(ServeProcess::over(folder, &arguments, Some(PROXY_TOKEN)), fate)
}

/// The accounts of all six organizations, in order.
fn accounts(relay: &ServeProxy) -> Vec<String> {
    let of = |org: usize| {
        let path = format!("/api/0/organizations/org-{org}/integrations/");
        let listed = relay.serve.get(&path).expect(200);
        let name = |one: &serde_json::Value| format!("{org}: {}", one["name"].as_str().unwrap());
        listed.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = (0..6).flat_map(of).collect();
    all.sort();
    all
}

fn accounts_of(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    let mut all: Vec<_> = numbers.map(|n| format!("{}: ops-{n}", org_of(n))).collect();
    all.sort();
    all
}

/// How many requests of this method there were, and to how many different paths.
fn counts(lines: &[String], method: &str) -> (usize, usize) {
    let of: Vec<_> = lines.iter().filter(|line| line.starts_with(method)).collect();
    (of.len(), of.iter().collect::<BTreeSet<_>>().len())
}

#[test]
fn sixty_entries_ask_each_thing_once_over_as_many_connections_as_are_under_way() {
    let relay = six_organizations(|_| ProxyAction::Forward);
    let run = sixty(&relay);
    run.execute().expect(0);
    // The listing and the organization, six times; a pipeline's start and its one answer, sixty.
    let lines = relay.requests_since(0);
    assert_eq!((counts(&lines, "GET"), counts(&lines, "POST")), ((12, 12), (120, 6)));
    assert!(relay.peer.connections() <= 8, "{} connections", relay.peer.connections());
    assert_eq!(accounts(&relay), accounts_of(0..60));
    let since = lines.len();
    run.execute().expect(0);
    let lines = relay.requests_since(since);
    assert_eq!((lines.len(), counts(&lines, "GET")), (12, (12, 12)));
}

#[test]
fn entries_share_connections_and_never_a_session() {
    let relay = six_organizations(|_| ProxyAction::Forward);
    sixty(&relay).execute().expect(0);
    let posts = relay.peer.requests().into_iter().filter(|request| request.method == "POST");
    let (starts, answers): (Vec<_>, Vec<_>) =
        posts.partition(|request| request.json()["action"] == "initialize");
    assert!(starts.iter().all(|request| request.header("cookie").is_empty()));
    let sessions: BTreeSet<_> = answers.iter().map(|request| request.header("cookie")).collect();
    assert_eq!((starts.len(), answers.len(), sessions.len()), (60, 60, 60));
}

#[test]
fn a_rate_limit_of_two_seconds_in_the_middle_loses_nothing() {
    let (began, limited) = (Mutex::new(None), Arc::new(AtomicUsize::new(0)));
    let (count, of_relay) = (AtomicUsize::new(0), Arc::clone(&limited));
    let relay = six_organizations(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) < 50 {
            return ProxyAction::Forward;
        }
        let began = *began.lock().unwrap().get_or_insert_with(Instant::now);
        if began.elapsed() >= Duration::from_secs(2) {
            return ProxyAction::Forward;
        }
        of_relay.fetch_add(1, Ordering::Relaxed);
        ProxyAction::Intercept(Response::detail(429, "slow down").with("Retry-After", "2"))
    });
    let run = sixty(&relay);
    run.execute().expect(0);
    assert_eq!(accounts(&relay), accounts_of(0..60));
    // Whoever is under way is told once, and nobody else asks until the time is over.
    let limited = limited.load(Ordering::Relaxed);
    assert!((1..=8).contains(&limited), "{limited} requests met the limit");
    let lines = relay.requests_since(0);
    assert_eq!(lines.len() - limited, 132);
    run.execute().expect(0);
    assert_eq!(counts(&relay.requests_since(lines.len()), "POST"), (0, 0));
}

#[test]
fn a_rate_limit_that_one_entry_meets_holds_all_entries_of_its_server_back() {
    let (began, meanwhile) = (Mutex::new(None), Arc::new(AtomicUsize::new(0)));
    let (count, of_relay) = (AtomicUsize::new(0), Arc::clone(&meanwhile));
    let relay = six_organizations(move |_| {
        let nth = count.fetch_add(1, Ordering::Relaxed);
        let mut began = began.lock().unwrap();
        if nth == 50 {
            *began = Some(Instant::now());
            return ProxyAction::Intercept(
                Response::detail(429, "slow down").with("Retry-After", "2"),
            );
        }
        if began.is_some_and(|began| began.elapsed() < Duration::from_secs(2)) {
            of_relay.fetch_add(1, Ordering::Relaxed);
        }
        ProxyAction::Forward
    });
    sixty(&relay).execute().expect(0);
    assert_eq!(accounts(&relay), accounts_of(0..60));
    // Some of the eighty that are left were sent before the limit was heard of.
    let meanwhile = meanwhile.load(Ordering::Relaxed);
    assert!(meanwhile <= 30, "{meanwhile} requests came while the limit held");
}

/// So many releases on the embedded backend, which waits for nothing.
#[cfg(unix)]
fn releases(count: usize) -> ProgramRun {
    let line = |n| format!("- {{org: acme, projects: web, release: v{n}, commits: none}}\n");
    let lines: String = (0..count).map(line).collect();
    let run = ProgramRun::local();
    // As an editor of Windows begins a file.
    run.file("finishline.yml", format!("\u{feff}version: 1\nreleases:\n{lines}"));
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
}

#[cfg(unix)]
#[test]
fn a_signal_is_heard_also_where_no_entry_waits_for_anything() {
    let run = releases(2000);
    let mut started = run.start();
    started.wait_for("v0 is created");
    started.signal("TERM");
    let ended = started.wait().expect(9);
    let made: usize = run.rows("SELECT count(*) FROM release")[0].parse().unwrap();
    assert!((1..2000).contains(&made), "{made}: {}", ended.stdout);
}

#[cfg(unix)]
#[test]
fn a_log_whose_reader_leaves_stops_nothing() {
    let run = releases(20).redirected("2>&1 >said.txt | head -c 1");
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT count(*) FROM release"), ["20"]);
    assert!(
        run.text("said.txt").starts_with("20 entries: 20 complete"),
        "{}",
        run.text("said.txt")
    );
}

#[test]
fn an_entry_that_has_no_time_left_is_not_begun_and_blames_no_server() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = ServeProxy::new();
    let address = silent.local_addr().unwrap();
    let waiting = |name: &str| {
        format!("- {{provider: example, url: 'http://{address}', state: {{name: {name}}}}}\n")
    };
    let manifest = format!(
        "version: 1\ndefaults: {{org: acme}}\nintegrations:\n{}releases:\n- url: {}\n  projects: [web]\n  \
         release: v1\n  commits: none\n",
        ["a", "b", "c", "d"].map(waiting).concat(),
        relay.peer.url()
    );
    let run = ProgramRun::github().var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    run.file("m.yml", manifest);
    let run = run.var("FINISHLINE_MANIFEST", "m.yml").var("FINISHLINE_MAX_PARALLEL", "1");
    let run = run.var("FINISHLINE_TIMEOUT", "2");
    run.clone().var("FINISHLINE_TOLERATE", "unavailable").execute().expect(0);
    let ended = run.execute().expect(6);
    let words = "not completed: the entries before it used up `timeout`";
    assert!(ended.everything().contains(words), "{}", ended.everything());
    assert!(relay.requests_since(0).is_empty());
}
