//! Where a version comes from that is not typed: a file, a service's variable, Gradle.

use super::super::requests::{HEAD, add_repository, pushed};
use crate::support::proxy::ServeProxy;
use crate::support::run::ProgramRun;

fn linked() -> (ServeProxy, ProgramRun) {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = pushed(&relay);
    (relay, run)
}

#[test]
fn a_file_that_release_names_holds_the_version() {
    let (relay, run) = linked();
    run.file("package.json", r#"{"name": "shop", "version": "1.4.2"}"#);
    run.file("pom.xml", "<project><version>1.5.0</version></project>");
    run.file("VERSION", "1.6.0\n");
    let run = run.var("FINISHLINE_RELEASE_PREFIX", "shop@");
    for (file, version) in
        [("package.json", "shop@1.4.2"), ("./pom.xml", "shop@1.5.0"), ("VERSION", "shop@1.6.0")]
    {
        let ended =
            run.clone().var("FINISHLINE_RELEASE", format!("file:{file}")).execute().expect(0);
        assert_eq!(ended.output("release"), version, "{file}");
    }
    let count = relay.peer.lines().len();
    run.file("package.json", r#"{"name": "shop"}"#);
    for file in ["package.json", "nowhere.toml"] {
        let ended =
            run.clone().var("FINISHLINE_RELEASE", format!("file:{file}")).execute().expect(2);
        let message = ended.output("error-message");
        assert!(
            message.contains(&format!("`{file}`")) && message.contains("`release`"),
            "{message}"
        );
    }
    assert_eq!(relay.peer.lines().len(), count);
}

#[test]
fn a_file_that_is_read_for_the_version_is_no_output() {
    let (_relay, run) = linked();
    run.file("VERSION", "1.6.0\n");
    let run =
        run.var("FINISHLINE_RELEASE", "file:VERSION").var("FINISHLINE_RESULT_FILE", "VERSION");
    run.execute().expect(2);
    assert_eq!(run.text("VERSION"), "1.6.0\n");
}

#[test]
fn a_services_variable_is_the_version_where_nothing_is_typed() {
    let (_relay, run) = linked();
    let other = "b".repeat(40);
    let run = run.var("SOURCE_VERSION", &other).var("GAE_DEPLOYMENT_ID", "77");
    let ended = run.clone().execute().expect(0);
    assert_eq!(ended.output("release"), other);
    assert!(ended.stderr.contains("from=\"SOURCE_VERSION\""), "{}", ended.stderr);
    let typed = run.clone().var("SENTRY_RELEASE", "v9").execute().expect(0);
    assert_eq!(typed.output("release"), "v9");
    let bad = run.clone().var("SOURCE_VERSION", "feature/x").execute().expect(2);
    let message = bad.output("error-message");
    assert!(message.contains("SOURCE_VERSION is not a valid release version"), "{message}");
    let circle = run.without("SOURCE_VERSION").without("GAE_DEPLOYMENT_ID");
    assert_eq!(circle.var("CIRCLE_SHA1", &other).execute().expect(0).output("release"), HEAD);
}

#[test]
fn gradles_version_goes_before_the_commit() {
    let (_relay, run) = linked();
    run.file("build.gradle", "");
    std::fs::create_dir(run.path("app")).unwrap();
    run.file("app/build.gradle", "applicationId \"ch.acme.shop\"\nversionName '1.4.2'\n");
    assert_eq!(run.execute().expect(0).output("release"), "ch.acme.shop@1.4.2");
}
