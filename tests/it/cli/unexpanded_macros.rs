//! Variables that a CI host leaves in a value, since nobody has defined them or nothing is put in
//! there: each host's own, and none on a person's machine.

use crate::support::run::{ProgramRun, RunResult, SECRET, STATE};

fn azure() -> ProgramRun {
    ProgramRun::local().var("TF_BUILD", "True")
}

fn release(run: ProgramRun) -> ProgramRun {
    run.embedded_release("web-1.0").var("FINISHLINE_COMMITS", "none")
}

fn refused(ended: &RunResult, words: &str) {
    let text = ended.everything();
    assert!(text.contains(words), "{words} in {text}");
}

/// On a host, an input with a value, and the macro that the error quotes.
fn refused_input(marker: (&str, &str), name: &str, value: &str, quoted: &str) {
    let run = release(ProgramRun::local()).var(marker.0, marker.1);
    let out = run.file("out", "");
    let run = run.var("GITHUB_OUTPUT", out).var(name, value);
    let ended = run.execute().expect(2);
    refused(&ended, &format!("({name}) contains the unexpanded variable `{quoted}`"));
    assert!(!run.database().exists(), "{value}");
}

#[test]
fn azure_has_no_environment_of_an_undefined_variables_name() {
    let run = release(azure()).var("FINISHLINE_ENVIRONMENT", "$(DEPLOY_ENV)");
    let ended = run.execute().expect(0);
    assert!(run.rows("SELECT environment FROM deploy").is_empty());
    refused(&ended, "FINISHLINE_ENVIRONMENT is not set: `$(DEPLOY_ENV)` names no variable");
    // It is an issue of the job, and not a line of the log alone.
    refused(&ended, "code=undefined-variable]FINISHLINE_ENVIRONMENT is not set");
    // The next variable of the input counts, as after an empty one.
    let run = release(azure()).var("FINISHLINE_ENVIRONMENT", " $(DEPLOY_ENV)\n");
    let run = run.var("SENTRY_ENVIRONMENT", "production");
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT environment FROM deploy"), ["production"]);
}

#[test]
fn azures_undefined_inputs_are_not_given() {
    let run = azure().opsgenie();
    let names = ["MODE", "TIMEOUT", "NEXT", "CODE_MAPPINGS", "TOLERATE", "LOG_LEVEL"];
    let run = names
        .iter()
        .fold(run, |run, name| run.var(&format!("FINISHLINE_{name}"), "$(Build.My-Setting)"));
    run.execute().expect(0);
    // Without these a run would do more, or send the token to another server; and a flag was typed.
    for name in ["DRY_RUN", "PLAN", "URL", "MANIFEST"] {
        let run = azure().opsgenie().var(&format!("FINISHLINE_{name}"), "$(Build.My-Setting)");
        refused(&run.execute().expect(2), "contains the unexpanded variable `$(Build.My-Setting)`");
        assert!(!run.database().exists(), "{name}");
    }
    let typed = azure().opsgenie().args(&["run", "--next", "$(NEXT)"]).execute().expect(2);
    refused(&typed, "contains the unexpanded variable `$(NEXT)`");
    let ended = azure().opsgenie().var("FINISHLINE_STATE", "$(STATE)").execute().expect(2);
    refused(&ended, "FINISHLINE_STATE is not set: `$(STATE)` names no variable");
}

#[test]
fn azures_fork_without_the_secret_is_skipped() {
    let run = azure()
        .opsgenie()
        .without("FINISHLINE_BACKEND")
        .var("SENTRY_AUTH_TOKEN", "$(SENTRY_AUTH_TOKEN)")
        .var("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "7")
        .var("SYSTEM_PULLREQUEST_ISFORK", "True");
    let ended = run.execute().expect(0);
    refused(&ended, "variable=skipped_reason;isOutput=true]fork");
    // The repository's own pull request misses it.
    let own = run.var("SYSTEM_PULLREQUEST_ISFORK", "False").execute().expect(5);
    refused(&own, "`auth-token` is missing");
}

#[test]
fn azures_missing_secret_does_not_overwrite_a_good_key() {
    let state = STATE.replace(SECRET, "'${KEY}'");
    let run = azure().embedded("opsgenie", &state).var("KEY", SECRET);
    run.execute().expect(0);
    let before = run.rows("SELECT config FROM organization_integration");
    for (variable, value) in [
        ("KEY", "$(OpsgenieKey)"),
        ("KEY", "$(my-vault.Key)\n"),
        ("FINISHLINE_STATE", &STATE.replace(SECRET, "$(OpsgenieKey)")),
    ] {
        let ended = run.clone().var(variable, value).execute().expect(2);
        refused(&ended, "is not set: `$(");
    }
    let kept = run.clone().var("FINISHLINE_STATE", STATE.replace(SECRET, "a$(OpsgenieKey)"));
    refused(&kept.execute().expect(2), "contains the unexpanded variable `$(OpsgenieKey)`");
    assert_eq!(run.rows("SELECT config FROM organization_integration"), before);
}

#[test]
fn of_a_secret_with_a_macro_only_the_macro_is_quoted() {
    let state = STATE.replace(SECRET, "'${KEY}'");
    let run = azure().embedded("opsgenie", &state).var("KEY", "h1dden-$(Suffix)-t00");
    let ended = run.execute().expect(2);
    refused(&ended, "the variable KEY used at");
    refused(&ended, "contains the unexpanded variable `$(Suffix)`");
    let text = ended.everything();
    assert!(!text.contains("h1dden") && !text.contains("t00"), "{text}");
    let ended = azure().opsgenie().var("SENTRY_AUTH_TOKEN", "h1dden$(T)").execute().expect(2);
    refused(&ended, "(SENTRY_AUTH_TOKEN) contains the unexpanded variable `$(T)`");
    assert!(!ended.everything().contains("h1dden"));
}

#[test]
fn a_part_of_an_input_is_an_error_that_quotes_the_macro() {
    let azure = ("TF_BUILD", "True");
    refused_input(azure, "FINISHLINE_RELEASE", "web@$(Build.Tag)", "$(Build.Tag)");
    refused_input(azure, "FINISHLINE_DEPLOY_NAME", "to $(Where)", "$(Where)");
    refused_input(azure, "FINISHLINE_RELEASE", "$[variables.tag]", "$[variables.tag]");
}

#[test]
fn each_hosts_own_macros_are_refused_where_nothing_is_put_in() {
    for (host, value, quoted) in [
        (("GITHUB_ACTIONS", "true"), "web@${{ github.ref_name }}", "${{ github.ref_name }}"),
        (("GITHUB_ACTIONS", "true"), "web@$GITHUB_REF_NAME", "$GITHUB_REF_NAME"),
        (("GITLAB_CI", "true"), "web@$CI_COMMIT_TAG", "$CI_COMMIT_TAG"),
        (("GITLAB_CI", "true"), "web@${CI_COMMIT_TAG}", "${CI_COMMIT_TAG}"),
        (("GITLAB_CI", "true"), "$[[ inputs.release ]]", "$[[ inputs.release ]]"),
        (("CIRCLECI", "true"), "web@<< pipeline.git.tag >>", "<< pipeline.git.tag >>"),
        (("BUILDKITE", "true"), "web@$$BUILDKITE_TAG", "$$BUILDKITE_TAG"),
        (("BITBUCKET_BUILD_NUMBER", "7"), "web@${BITBUCKET_TAG}", "${BITBUCKET_TAG}"),
        (("JENKINS_URL", "https://ci.example/"), "web@${TAG_NAME}", "${TAG_NAME}"),
        (("CI", "woodpecker"), "web@$${CI_COMMIT_TAG}", "$${CI_COMMIT_TAG}"),
        (("CI", "true"), "web@${{ github.ref_name }}", "${{ github.ref_name }}"),
        (("GITLAB_CI", "true"), "web@$version", "$version"),
        (("BUILDKITE", "true"), "$my_var", "$my_var"),
        (("CI", "woodpecker"), "web@$K-1", "$K"),
    ] {
        refused_input(host, "FINISHLINE_RELEASE", value, quoted);
    }
    refused_input(("GITLAB_CI", "true"), "FINISHLINE_ENVIRONMENT", "$stage", "$stage");
    refused_input(("CIRCLECI", "true"), "SENTRY_AUTH_TOKEN", "$TOKEN", "$TOKEN");
    refused_input(
        ("GITLAB_CI", "true"),
        "SENTRY_AUTH_TOKEN",
        "${{ secrets.T }}",
        "${{ secrets.T }}",
    );
}

#[test]
fn jenkins_and_bitbucket_leave_what_nobody_has_defined() {
    for host in [("JENKINS_URL", "https://ci.example/"), ("BITBUCKET_BUILD_NUMBER", "7")] {
        let run = release(ProgramRun::local()).var(host.0, host.1);
        let run = run.var("FINISHLINE_ENVIRONMENT", "${DEPLOY_ENV}");
        let run = run.var("FINISHLINE_DEPLOY_NAME", "$DEPLOY_NAME");
        refused(&run.execute().expect(0), "FINISHLINE_ENVIRONMENT is not set: `${DEPLOY_ENV}`");
        assert!(run.rows("SELECT environment FROM deploy").is_empty());
        let state = STATE.replace(SECRET, "'${KEY}'");
        let run = ProgramRun::local().var(host.0, host.1).embedded("opsgenie", &state);
        refused(&run.var("KEY", "${OPSGENIE_KEY}").execute().expect(2), "is not set: `${OPS");
    }
}

/// A container of the job gets what one names, and none of the host's own variables.
#[test]
fn a_host_that_is_named_and_not_detected_has_its_macros_too() {
    for (host, value, quoted) in [
        ("azure", "web@$(Build.Tag)", "$(Build.Tag)"),
        ("github", "web@${{ github.ref_name }}", "${{ github.ref_name }}"),
        ("gitlab", "${CI_COMMIT_TAG}", "${CI_COMMIT_TAG}"),
        ("circleci", "<< pipeline.git.tag >>", "<< pipeline.git.tag >>"),
        ("buildkite", "web@$$BUILDKITE_TAG", "$$BUILDKITE_TAG"),
        ("ci", "web@$TAG", "$TAG"),
    ] {
        refused_input(("FINISHLINE_CI", host), "FINISHLINE_RELEASE", value, quoted);
    }
    for (host, value) in [("azure", "$(DEPLOY_ENV)"), ("jenkins", "${DEPLOY_ENV}")] {
        let run = release(ProgramRun::local()).var("FINISHLINE_ENVIRONMENT", value);
        let ended = run.clone().args(&["run", "--ci", host]).execute().expect(0);
        let words = format!("FINISHLINE_ENVIRONMENT is not set: `{value}` names no variable");
        refused(&ended, &words);
        assert!(run.rows("SELECT environment FROM deploy").is_empty(), "{host}");
    }
    // So have `state` and what a manifest names.
    let state = STATE.replace(SECRET, "'${KEY}'");
    let run = ProgramRun::local().embedded("opsgenie", &state).var("KEY", "$(OpsgenieKey)");
    refused(&run.var("FINISHLINE_CI", "azure").execute().expect(2), "is not set: `$(OpsgenieKey)`");
    // A name beside a host that is detected takes nothing from it.
    let run = release(azure()).var("FINISHLINE_RELEASE", "web@$(Tag)");
    refused(&run.var("FINISHLINE_CI", "local").execute().expect(2), "variable `$(Tag)`");
}

#[test]
fn another_hosts_form_is_an_ordinary_text() {
    for (host, value) in [
        (("GITHUB_ACTIONS", "true"), "$(Build)"),
        (("GITLAB_CI", "true"), "a << b >> c"),
        (("CIRCLECI", "true"), "a$(Build)"),
        (("TF_BUILD", "True"), "<< parameters.a >>"),
        (("TF_BUILD", "True"), "costs 5$ $(date +%s)"),
        (("FINISHLINE_LOG_LEVEL", "info"), "web@${TAG} $(A)"),
    ] {
        let run = release(ProgramRun::local()).var(host.0, host.1);
        let out = run.file("out", "");
        let run = run.var("GITHUB_OUTPUT", out).var("FINISHLINE_DEPLOY_NAME", value);
        let run = run.var("FINISHLINE_ENVIRONMENT", "production");
        run.execute().expect(0);
        assert_eq!(run.rows("SELECT name FROM deploy"), [value]);
    }
    // What names no variable of a release is an ordinary text, too.
    let run = release(ProgramRun::local()).var("GITLAB_CI", "true").var("CI_PROJECT_DIR", "");
    let run = run.var("FINISHLINE_ENVIRONMENT", "p").var("FINISHLINE_DEPLOY_NAME", "$name");
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT name FROM deploy"), ["$name"]);
    // A key that looks like nothing of this host's is a key.
    let state = STATE.replace(SECRET, "'${KEY}'");
    for key in ["a$(B)c", "p$WORD", "$WORD", "a${b}c", "<<x"] {
        let run = ProgramRun::local().var("CIRCLECI", "true").embedded("opsgenie", &state);
        run.var("KEY", key).execute().expect(0);
    }
}

#[test]
fn a_secret_that_a_host_has_not_put_in_place_is_none() {
    let state = STATE.replace(SECRET, "'${KEY}'");
    let woodpecker = ("CI", "woodpecker");
    for (host, key) in [
        (("BUILDKITE", "true"), "$$OPSGENIE_KEY"),
        (("BUILDKITE", "true"), "$OPSGENIE_KEY"),
        (woodpecker, "$$OPSGENIE_KEY"),
        (woodpecker, "$OPSGENIE_KEY"),
        (("GITLAB_CI", "true"), "$OPSGENIE_KEY"),
    ] {
        let run = ProgramRun::local().var(host.0, host.1).embedded("opsgenie", &state);
        let ended = run.var("KEY", key).execute().expect(2);
        refused(&ended, &format!("contains the unexpanded variable `{key}`"));
    }
}

#[test]
fn a_manifest_holds_no_macro() {
    let run = azure();
    let text = "version: 1\nreleases:\n  - {org: acme, projects: [web], release: web@1.0, \
                commits: none, environment: \"$(DEPLOY_ENV)\"}\n";
    let manifest = run.file("finishline.yml", text);
    let run =
        run.clone().var("FINISHLINE_MANIFEST", manifest).var("FINISHLINE_BACKEND", "embedded");
    let run = run.clone().var("FINISHLINE_DATABASE", run.database());
    let ended = run.execute().expect(2);
    refused(&ended, "`environment` contains the unexpanded variable `$(DEPLOY_ENV)`");
    run.file("finishline.yml", text.replace("$(DEPLOY_ENV)", "${DEPLOY_ENV}"));
    let ended = run.var("DEPLOY_ENV", "$(DeployEnv)").execute().expect(2);
    refused(&ended, "uses the variable `DEPLOY_ENV`, which is not set or empty");
}

#[test]
fn a_release_without_a_version_after_its_package_is_refused() {
    for (name, value) in [("FINISHLINE_RELEASE", "web@"), ("FINISHLINE_RELEASE", "web@\n")] {
        let run = release(ProgramRun::local()).var(name, value);
        refused(&run.execute().expect(2), "`web@` has nothing after `@`");
    }
}
