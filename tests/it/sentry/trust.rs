//! A server's own certificate in `ca-file` or `SSL_CERT_FILE` is trusted as it stands there, by every
//! client; whatever else is wrong with it has its own words.

use crate::integration::browser_flow::{BrowserFlow, gitlab_state};
use crate::support::fake_gitlab::{CLIENT_SECRET, FakeGitLab, ForgeKind};
use crate::support::fake_sentry::{OPSGENIE, SentryData, assert_completes, assert_fails, step};
use crate::support::http_server::{HttpServer, Response};
use crate::support::run::ProgramRun;
use finishline::github::GitHubApi;
use finishline::http::TlsTrust;
use rcgen::{BasicConstraints, CertificateParams, IsCa, date_time_ymd};
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// What `openssl req -x509` makes: an authority and a server in one.
const AUTHORITY: IsCa = IsCa::Ca(BasicConstraints::Unconstrained);
const SHA: &str = "2222222222222222222222222222222222222222";

fn certificate(name: &str, is_ca: IsCa) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = is_ca;
    params
}

fn expired(is_ca: IsCa) -> CertificateParams {
    let mut params = certificate("127.0.0.1", is_ca);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    params
}

/// A Sentry with this certificate, and a run whose file `own.pem` is that certificate.
fn sentry(certificate: CertificateParams, is_self_signed: bool) -> (HttpServer, ProgramRun) {
    let world = Mutex::new(SentryData::default());
    let answer = move |request: &_| world.lock().unwrap().answer(request);
    let (peer, pem) = HttpServer::certified(certificate, is_self_signed, answer);
    let run = step(&peer.url(), "opsgenie", OPSGENIE).var("FINISHLINE_TIMEOUT", "20");
    run.file("own.pem", pem);
    (peer, run)
}

/// The message of a run that trusts the certificate in this file.
fn refusal(peer: &HttpServer, run: ProgramRun, file: &str) -> (String, String) {
    let file = run.path(file);
    let ended = assert_fails(&run.var("FINISHLINE_CA_FILE", file), 6, "unreachable");
    assert_eq!(peer.lines(), [""; 0], "nothing is said before trust");
    let words = format!("TLS connection to {} failed: ", peer.url().replace("https://", ""));
    let message = ended.output("error-message");
    (message.strip_prefix(&words).expect(&message).to_owned(), ended.stderr.clone())
}

#[test]
fn a_servers_own_certificate_in_a_file_is_trusted() {
    for name in ["FINISHLINE_CA_FILE", "SSL_CERT_FILE"] {
        for (is_ca, is_self_signed) in
            [(AUTHORITY, true), (IsCa::ExplicitNoCa, true), (IsCa::NoCa, true), (IsCa::NoCa, false)]
        {
            let (_peer, run) = sentry(certificate("127.0.0.1", is_ca), is_self_signed);
            let file = run.path("own.pem");
            assert_completes(&run.var(name, file), "complete true 1");
        }
    }
}

#[test]
fn a_self_signed_certificate_that_is_not_in_the_file_is_refused() {
    let close = |_: &_| Response::close();
    // Of the same subject and for the same name, with another key.
    let (_, renewed) = HttpServer::certified(certificate("127.0.0.1", AUTHORITY), true, close);
    let (_, other) = HttpServer::tls("127.0.0.1", close);
    let self_signed = "the certificate is self-signed, and not among the trusted ones";
    for (is_ca, file, words) in [
        (AUTHORITY, &renewed, self_signed),
        (AUTHORITY, &other, self_signed),
        (IsCa::NoCa, &renewed, "the certificate is not signed by the trusted one of that name"),
        (IsCa::NoCa, &other, "the certificate's issuer is unknown"),
    ] {
        let (peer, run) = sentry(certificate("127.0.0.1", is_ca), true);
        run.file("other.pem", file);
        let (message, log) = refusal(&peer, run, "other.pem");
        assert_eq!(message, words);
        assert!(log.contains("`ca-file`"), "{log}");
    }
}

#[test]
fn a_certificate_in_the_file_is_trusted_for_its_own_names_only() {
    for (is_ca, is_self_signed) in [(AUTHORITY, true), (IsCa::NoCa, true), (IsCa::NoCa, false)] {
        let (peer, run) = sentry(certificate("sentry.example.com", is_ca), is_self_signed);
        let (message, log) = refusal(&peer, run, "own.pem");
        assert!(message.starts_with("the certificate is for another name: "), "{message}");
        assert!(message.contains("sentry.example.com") && log.contains("check `url`"), "{message}");
    }
}

#[test]
fn a_certificate_without_a_subject_alternative_name_is_told_so() {
    let mut params = certificate("127.0.0.1", AUTHORITY);
    params.subject_alt_names.clear();
    let (peer, run) = sentry(params, true);
    let (message, log) = refusal(&peer, run, "own.pem");
    assert!(message.starts_with("the certificate has no subjectAltName"), "{message}");
    assert!(log.contains("-addext subjectAltName"), "{log}");
}

#[test]
fn a_certificate_in_the_file_is_trusted_within_its_dates_only() {
    for (is_ca, is_self_signed) in [(AUTHORITY, true), (IsCa::NoCa, true), (IsCa::NoCa, false)] {
        let (peer, run) = sentry(expired(is_ca), is_self_signed);
        let (message, log) = refusal(&peer, run, "own.pem");
        assert_eq!(message, "the certificate has expired");
        assert!(log.contains("renew the server's certificate"), "{log}");
    }
}

#[test]
fn a_certificate_of_tomorrow_is_said_to_be_one() {
    let mut params = certificate("127.0.0.1", AUTHORITY);
    params.not_before = date_time_ymd(2400, 1, 1);
    params.not_after = date_time_ymd(2401, 1, 1);
    let (peer, run) = sentry(params, true);
    let (message, log) = refusal(&peer, run, "own.pem");
    assert_eq!(message, "the certificate is not valid yet");
    assert!(log.contains("clock"), "{log}");
}

#[test]
fn githubs_client_trusts_the_same_file() {
    let answer = |_: &_| Response::json(200, &json!({"total_commits": 0, "commits": []}));
    let (peer, pem) = HttpServer::certified(certificate("127.0.0.1", AUTHORITY), true, answer);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let compare = |trusted: Vec<String>| {
        let (api, time) = (Url::parse(&peer.url()).unwrap(), Duration::from_secs(20));
        let trust = TlsTrust::Roots(trusted);
        let github = GitHubApi::new(&api, None, &trust, time, Instant::now() + time).unwrap();
        runtime.block_on(github.compare("acme/widget", SHA, SHA)).map(|found| found.total)
    };
    assert_eq!(compare(vec![pem]), Ok(0));
    let failure = compare(Vec::new()).unwrap_err();
    assert!(failure.message.contains("the certificate is self-signed"), "{failure}");
    assert!(failure.hint.contains("check `GITHUB_API_URL`"), "{}", failure.hint);
}

#[test]
fn third_parties_are_trusted_by_the_same_file() {
    for name in ["FINISHLINE_CA_FILE", "SSL_CERT_FILE"] {
        let party = FakeGitLab::with_untrusted_tls(ForgeKind::Gitlab);
        let state = gitlab_state(&party, CLIENT_SECRET, "group: my-group");
        let run = ProgramRun::github().embedded("gitlab", &state);
        let file = run.file("own.pem", FakeGitLab::certificate());
        BrowserFlow::new(run.var(name, file), party).install();
    }
}
