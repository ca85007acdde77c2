//! `finishline init`: the first CI file of a project.

use crate::support::run::ProgramRun;
use serde_yaml::Value;

const TYPED: [&str; 6] = ["init", "--org", "acme", "--projects", "web,api", "--ci"];

fn init(more: &[&str]) -> ProgramRun {
    ProgramRun::local().args(&[&TYPED[..], more].concat())
}

fn printed(more: &[&str]) -> (String, Value) {
    let text = init(&[more, &["--output", "-"]].concat()).execute().expect(0).stdout;
    let value = serde_yaml::from_str(&text).unwrap();
    (text, value)
}

#[test]
fn a_workflow_builds_uploads_and_only_then_deploys() {
    let (text, workflow) = printed(&["github", "--sourcemaps", "dist/web"]);
    assert_eq!(workflow["permissions"]["contents"], "read");
    let steps = workflow["jobs"]["release"]["steps"].as_sequence().unwrap();
    let at = |key: &str, words: &str| {
        let has = |step: &Value| step[key].as_str().is_some_and(|value| value.starts_with(words));
        steps.iter().position(has).unwrap_or_else(|| panic!("{words}: {text}"))
    };
    let ours = at("uses", "OWNER/finishline@v");
    assert!(
        at("uses", "actions/checkout@") < at("run", "npm run build")
            && at("run", "npm run build") < ours
    );
    let with = &steps[ours]["with"];
    let given =
        ["org", "projects", "environment", "sourcemaps"].map(|name| with[name].as_str().unwrap());
    assert_eq!(given, ["acme", "web,api", "production", "dist/web"]);
    assert_eq!(steps[ours]["env"]["SENTRY_AUTH_TOKEN"], "${{ secrets.SENTRY_AUTH_TOKEN }}");
    assert!(text.find("Deploy dist/web below").unwrap() > text.find("sourcemaps:").unwrap());
}

#[test]
fn a_release_alone_needs_no_checkout() {
    let (text, workflow) = printed(&["github", "--environment", "no"]);
    let steps = workflow["jobs"]["release"]["steps"].as_sequence().unwrap();
    assert_eq!((steps.len(), steps[0]["with"]["environment"].as_str()), (1, Some("no")), "{text}");
}

#[test]
fn a_pipeline_hands_on_the_scripts_that_have_debug_ids() {
    let (_, pipeline) =
        printed(&["gitlab", "--sourcemaps", "dist", "--url", "https://s.example.com"]);
    let component = &pipeline["include"][0];
    let name = component["component"].as_str().unwrap();
    assert!(
        name.ends_with(concat!("/OWNER/finishline/finishline@", env!("CARGO_PKG_VERSION"))),
        "{name}"
    );
    assert_eq!(component["inputs"]["url"], "https://s.example.com");
    assert_eq!(
        pipeline["finishline"]["artifacts"]["paths"],
        pipeline["build"]["artifacts"]["paths"]
    );
    assert_eq!(pipeline["build"]["artifacts"]["paths"][0], "dist");
}

#[test]
fn the_file_is_where_the_host_looks_and_what_is_left_is_said() {
    for (host, file, secret) in [
        ("github", ".github/workflows/sentry.yml", "gh secret set SENTRY_AUTH_TOKEN"),
        ("gitlab", ".gitlab-ci.yml", "glab variable set SENTRY_AUTH_TOKEN --masked"),
    ] {
        let run = init(&[host]);
        let said = run.execute().expect(0).stdout;
        assert!(said.starts_with(&format!("{file}: written\n")), "{said}");
        assert!(
            said.contains("https://sentry.io/settings/acme/auth-tokens/") && said.contains(secret),
            "{said}"
        );
        assert_eq!(run.text(file), printed(&[host]).0);
    }
}

#[test]
fn nothing_is_overwritten() {
    let run = init(&["gitlab"]);
    let file = run.file(".gitlab-ci.yml", "mine: {}\n");
    let failed = run.execute().expect(2);
    assert!(failed.stderr.contains("cannot create `.gitlab-ci.yml`"), "{}", failed.stderr);
    assert!(failed.stderr.contains("--output"), "{}", failed.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine: {}\n");
    #[cfg(unix)]
    {
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(run.path("elsewhere"), &file).unwrap();
        run.execute().expect(2);
        assert!(!run.path("elsewhere").exists());
    }
}

#[test]
fn an_environment_that_a_run_refuses_is_not_written() {
    for environment in ["prod/eu", "None"] {
        let failed = init(&["github", "--environment", environment]).execute().expect(2);
        assert!(failed.stderr.contains("without `/`, other than `None`"), "{}", failed.stderr);
    }
}

#[test]
fn the_folder_that_jobs_hand_on_is_one() {
    let failed = init(&["gitlab", "--sourcemaps", "dist,lib"]).execute().expect(2);
    assert!(failed.stderr.contains("`--sourcemaps` accepts one folder"), "{}", failed.stderr);
}

#[test]
fn the_folder_is_one_to_the_step_and_in_the_checkout() {
    for (host, folder) in
        [("github", "di st"), ("gitlab", "../x"), ("github", "/srv/x"), ("gitlab", "a/../../b")]
    {
        let failed = init(&[host, "--sourcemaps", folder]).execute().expect(2);
        assert!(failed.stderr.contains("accepts one folder of the checkout"), "{}", failed.stderr);
    }
}

#[test]
fn a_workflow_runs_for_the_branch_that_the_checkout_has_and_is_where_the_host_looks() {
    for (branches, expected) in [
        (&["master"][..], "master"),
        (&["trunk"], "trunk"),
        (&["main", "feature/x"], "main"),
        (&["a+b"], "main"),
    ] {
        let run = init(&["github"]);
        let folder = run.path(".");
        let git = |args: &[&str]| {
            let done = std::process::Command::new("git").args(args).current_dir(&folder).output();
            assert!(done.unwrap().status.success(), "{args:?}");
        };
        git(&["init", "--quiet"]);
        for branch in branches {
            git(&["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
            let identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
            git(&[&identity[..], &["commit", "--quiet", "--allow-empty", "-m", "x"]].concat());
        }
        let said = run.execute().expect(0).stdout;
        assert!(said.contains(&format!("push to {expected}, the branch")), "{said}");
        let text = run.text(".github/workflows/sentry.yml");
        assert!(text.contains(&format!("branches: [{expected}]")), "{text}");
        std::fs::create_dir(run.path("sub")).unwrap();
        let mut below = run.prepared();
        let ended = below.current_dir(run.path("sub")).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code() == Some(2) && said.contains("not the top folder"), "{said}");
        assert!(!run.path("sub/.github").exists());
    }
}

#[test]
fn what_is_missing_is_listed_where_nobody_can_be_asked() {
    let failed = ProgramRun::local().args(&["init", "--org", "acme"]).execute().expect(2);
    assert!(failed.stderr.contains("missing `--ci`, `--projects`"), "{}", failed.stderr);
}

#[test]
fn a_value_that_a_host_would_expand_is_refused_and_not_repeated() {
    for value in ["${{ secrets.X }}", "$TOKEN", "a\"\n- run: x", "a\nb", "'", "", "\\"] {
        for name in ["--projects", "--environment", "--url", "--sourcemaps"] {
            if value.is_empty() && name == "--sourcemaps" {
                continue;
            }
            let typed = ["init", "--ci", "github", "--org", "acme"];
            let given = [name, value];
            let rest: &[&str] = if name == "--projects" { &[] } else { &["--projects", "web"] };
            let run = ProgramRun::local().args(&[&typed[..], &given, rest].concat());
            let failed = run.execute().expect(2);
            assert!(failed.stderr.contains(&format!("`{name}` accepts ")), "{}", failed.stderr);
            assert!(!run.path(".github").exists(), "{name} {value}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_person_at_a_terminal_is_asked_for_what_is_missing() {
    use std::io::Write;
    let (mut keyboard, stdin) = super::terminal::terminal();
    keyboard.write_all(b"gitlab\nweb\n\ndist\n").unwrap();
    let run = ProgramRun::local().args(&["init", "--org", "acme"]);
    let ended = run.start_with_stdin(stdin).wait().expect(0);
    for question in ["CI host, `github` or `gitlab` [github]: ", "project slugs", "[production]: "]
    {
        assert!(ended.stderr.contains(question), "{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("organization slug"), "{}", ended.stderr);
    let pipeline: Value = serde_yaml::from_str(&run.text(".gitlab-ci.yml")).unwrap();
    let inputs = &pipeline["include"][0]["inputs"];
    let given =
        ["org", "projects", "environment", "sourcemaps"].map(|name| inputs[name].as_str().unwrap());
    assert_eq!(given, ["acme", "web", "production", "dist"]);
}

#[test]
fn no_branch_but_the_default_one_is_deployed() {
    for more in [&["gitlab"][..], &["gitlab", "--sourcemaps", "dist"]] {
        let (text, pipeline) = printed(more);
        let rule = &pipeline["finishline"]["rules"][0]["if"];
        assert_eq!(rule, "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", "{text}");
    }
    assert_eq!(printed(&["github"]).1["on"]["push"]["branches"][0], "main");
}

#[test]
fn an_address_with_a_password_is_not_written_down() {
    for url in ["https://u:s3cr3t@s.example.com", "https://s3cr3t@s.example.com", "ftp://s.example"]
    {
        let failed = init(&["github", "--url", url]).execute().expect(2);
        assert!(failed.stderr.contains("`--url` accepts"), "{}", failed.stderr);
        assert!(!failed.everything().contains("s3cr3t"), "{}", failed.everything());
    }
}
