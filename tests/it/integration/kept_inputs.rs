//! On the embedded backend, too, a pipeline goes on with what its first run was given.

use crate::integration::browser_flow::{BrowserFlow, gitlab_state};
use crate::integration::fixtures::FixtureCase;
use crate::support::fake_gitlab::{CLIENT_SECRET, FakeGitLab, ForgeKind};
use crate::support::fake_vendor::FakeVendor;
use crate::support::run::{ProgramRun, RunResult};

const HOME: &str = "http://127.0.0.1:9797/extensions/x/setup/";

/// A third party of a case, and a run whose state is this.
fn case(provider: &str, name: &str, state: &str) -> (FixtureCase, FakeVendor, ProgramRun) {
    let case = FixtureCase::read(provider, name);
    let vendor = FakeVendor::new(&case.answers["routes"]);
    let run = case.run(ProgramRun::github().embedded(provider, state), &vendor.url());
    let state = state.replace("{vendor}", &vendor.url());
    (case, vendor, run.var("FINISHLINE_STATE", state))
}

/// Goes on without anything that the first run was given.
fn bare(run: &ProgramRun) -> ProgramRun {
    let names = ["PROVIDER", "STATE", "APPS", "REPOSITORIES"];
    let run =
        names.iter().fold(run.clone(), |run, name| run.without(&format!("FINISHLINE_{name}")));
    run.args(&["resume"])
}

/// Visits the pages of a case, each answered by a run that knows nothing more.
fn walk(case: &FixtureCase, vendor: &FakeVendor, run: &ProgramRun) -> RunResult {
    let home = HOME.replace("/x/", &format!("/{}/", case.provider));
    case.visits().iter().fold(run.execute(), |ended, brings| {
        let page = ended.expect(3).output("redirect-url");
        let callback = vendor.visit(&page, brings, &home);
        bare(run).var("FINISHLINE_CALLBACK_URL", callback).execute()
    })
}

#[test]
fn every_provider_goes_on_with_what_the_first_run_was_given() {
    let cases = FixtureCase::all().into_iter();
    let cases = cases.filter(|case| case.is_on("embedded") && case.succeeds_after_a_visit());
    let mut providers = Vec::new();
    for case in cases {
        let vendor = FakeVendor::new(&case.answers["routes"]);
        let run = case.run(ProgramRun::github().embedded(&case.provider, "{}"), &vendor.url());
        walk(&case, &vendor, &run).expect(0);
        providers.push(case.provider);
    }
    providers.dedup();
    assert!(providers.len() >= 8 && providers.contains(&"vsts".to_owned()), "{providers:?}");
}

#[test]
fn a_choice_is_taken_by_its_name_and_found_by_it_afterwards() {
    let (case, vendor, run) = case("vsts", "success", "{account: ACME}");
    walk(&case, &vendor, &run).expect(0);
    let again = run.execute().expect(0);
    assert_eq!(again.joined(["status", "changed"]), "complete false");
}

#[test]
fn a_refused_choice_is_made_again_without_the_callback() {
    let (case, vendor, run) = case("vsts", "success", "{account: gone}");
    let ended = walk(&case, &vendor, &run).expect(4);
    let message = ended.output("error-message");
    assert!(message.contains("available: ") && message.contains("acc-1"), "{message}");
    assert!(ended.stderr.contains("--set account=ID"), "{}", ended.stderr);
    let choose = |set: &str| bare(&run).args(&["resume", "--set", set]).execute();
    choose("account=neither").expect(4);
    choose("account=acme").expect(0);
    let ended = choose("account=acme").expect(2);
    assert!(ended.output("error-message").starts_with("`callback-url` is missing"));
}

#[test]
fn the_only_installation_of_an_app_is_taken() {
    let (case, vendor, run) = case("github", "success", "{}");
    walk(&case, &vendor, &run).expect(0);
    assert_eq!(run.rows("SELECT external_id FROM integration"), ["12345"]);
}

#[test]
fn links_of_the_first_run_are_set_by_the_second() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let run = journey.run.clone().var("FINISHLINE_REPOSITORIES", "acme/web");
    let callback = journey.party.approve(&journey.wait_for(&run));
    journey.resume(&callback).expect(0);
    assert_eq!(journey.run.rows("SELECT name FROM repository"), ["acme/web"]);
}

#[test]
fn a_group_is_taken_from_its_address() {
    let party = FakeGitLab::new(ForgeKind::Gitlab);
    let group = format!("group: '{}/groups/my-group/-/group_members'", party.origin);
    let state = gitlab_state(&party, CLIENT_SECRET, &group);
    let journey = BrowserFlow::new(ProgramRun::github().embedded("gitlab", &state), party);
    journey.install();
    let again = journey.run.execute().expect(0);
    assert_eq!(again.joined(["status", "changed"]), "complete false");
}

#[test]
fn mistakes_are_said_before_anybody_approves() {
    let certificate = "-----BEGIN CERTIFICATE-----\\nQUJD\\n-----END CERTIFICATE-----";
    let form = "url: 'https://git.example.com', clientId: c, clientSecret: s3cr3t-x";
    for (provider, state, words) in [
        (
            "gitlab",
            format!("{{{form}, group: 'https://gitlab.com/acme'}}"),
            "another host than `url`",
        ),
        ("gitlab", format!("{{{form}, group: 'Acme Inc / Web'}}"), "not its name"),
        (
            "gitlab",
            format!("{{{form}, group: 'https://git.example.com/acme/web/-/tree/main'}}"),
            "of a project",
        ),
        (
            "jira_server",
            format!(
                "{{url: 'https://jira.example.com', consumerKey: k, privateKey: '{certificate}'}}"
            ),
            "found a certificate, not its private key",
        ),
    ] {
        let run = ProgramRun::github().embedded(provider, &state);
        let ended = run.execute().expect(2);
        assert_eq!(ended.output("error-code"), "bad-field", "{state}");
        let message = ended.output("error-message");
        assert!(message.contains(words) && !message.contains("QUJD"), "{message}");
        assert!(!run.database().exists());
    }
}

#[test]
fn an_instance_whose_name_leads_nowhere_is_warned_of_while_a_person_waits() {
    // No resolver knows this name.
    let state = "{url: 'https://gitlab.acme.invalid', clientId: c, clientSecret: cl1ent-s3cr3t}";
    let run = ProgramRun::github().embedded("gitlab", state);
    let ended = run.execute().expect(3);
    assert_eq!(ended.output("warnings"), "unreached");
    let words = "DNS lookup of gitlab.acme.invalid failed: ";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    assert_eq!(journey.run.execute().expect(3).output("warnings"), "");
}

#[test]
fn a_key_whose_line_ends_are_spelled_out_is_repaired() {
    let (case, vendor, run) = case("jira_server", "success", "");
    let key = crate::integration::fixtures::KEY.trim();
    for spelled in [key.replace('\n', "\\n"), key.replace('\n', " ")] {
        let run = run.clone().var("KEY", spelled);
        let state =
            FixtureCase::read("jira_server", "success").run(ProgramRun::github(), &vendor.url());
        let run = run.var("FINISHLINE_STATE", state.variable("FINISHLINE_STATE").unwrap());
        walk(&case, &vendor, &run).expect(0);
        std::fs::remove_file(run.database()).unwrap();
    }
}
