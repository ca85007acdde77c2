//! Bundles of React Native: scripts by other names, bytecode, and what cannot be sent at all.

use crate::support::build_folder::{
    identity_map, on_embedded, source, sourcemaps, write, write_script,
};
use crate::support::run::ProgramRun;
use crate::support::serve::{ServeProcess, TOKEN};

const ID: &str = "5c3e0f0a-6d0e-5b7f-9a41-0c2d7e8f1a2b";

fn hermes() -> Vec<u8> {
    [&[0xc6, 0x1f, 0xbc, 0x03, 0xc1, 0x03, 0x19, 0x1f][..], &[0; 64]].concat()
}

/// A map as Sentry's plugin for Metro leaves it.
fn map_with_id() -> String {
    let map = identity_map("/app/src/cart.ts", &source("cart"));
    map.replacen('{', &format!("{{\"debugId\":\"{ID}\","), 1)
}

/// The files that are uploaded, each with its debug id.
fn sent(run: &ProgramRun) -> Vec<String> {
    run.rows("SELECT url || ' ' || COALESCE(debug_id, '-') FROM artifact_bundle_file ORDER BY 1")
}

#[test]
fn a_bundle_of_react_native_is_a_script_like_any_other() {
    for (given, bundle) in [
        ("dist", "dist/main.jsbundle"),
        ("dist", "dist/index.android.bundle"),
        ("dist/index.android.bundle", "dist/index.android.bundle"),
        ("dist/main.jsbundle.map", "dist/main.jsbundle"),
        ("dist/*.bundle", "dist/index.android.bundle"),
    ] {
        let run = on_embedded(ProgramRun::local().args(&["sourcemaps", given]));
        write_script(&run, bundle);
        let ended = run.execute().expect(0);
        assert!(run.text(bundle).contains("_sentryDebugIds"), "{given}: {}", ended.stderr);
        let said = ended.everything();
        assert!(said.contains(&format!("{bundle} 2:")), "{given}: {said}");
        assert_eq!(sent(&run).len(), 2, "{given}: {:?}", sent(&run));
    }
}

#[test]
fn a_bundle_without_a_map_is_no_success() {
    for (given, bundle, words) in [
        ("dist", "dist/main.jsbundle", "it names no map"),
        ("dist/index.android.bundle", "dist/index.android.bundle", "it names no map"),
        ("dist", "dist/index.android.bundle", "--sourcemap-output"),
    ] {
        let run = on_embedded(ProgramRun::local().args(&["sourcemaps", given]));
        write(&run, bundle, source("cart"));
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains(words) && ended.stderr.contains(bundle), "{}", ended.stderr);
        assert_eq!(run.text(bundle), source("cart"));
    }
}

#[test]
fn the_map_of_bytecode_is_sent_and_the_bytecode_stays_as_it_is() {
    for bundle in ["dist/index.android.bundle", "dist/main.jsbundle", "dist/app.hbc"] {
        let run = sourcemaps();
        write(&run, bundle, hermes());
        write(&run, &format!("{bundle}.map"), map_with_id());
        let ended = run.execute().expect(0);
        let said = ended.everything();
        assert!(said.contains("/app/src/cart.ts:1"), "{bundle}: {said}");
        assert_eq!(std::fs::read(run.path(bundle)).unwrap(), hermes());
        assert_eq!(run.text(&format!("{bundle}.map")), map_with_id());
        let name = bundle.trim_start_matches("dist/");
        let sent = sent(&run);
        assert!(sent[0].starts_with(&format!("~/{name} ")) && sent[0].ends_with(ID), "{sent:?}");
        assert!(sent[1].starts_with(&format!("~/{name}.map ")) && sent.len() == 2, "{sent:?}");
    }
}

#[test]
fn bytecode_whose_map_has_no_id_needs_a_release() {
    let run = sourcemaps();
    write(&run, "dist/main.jsbundle", hermes());
    write(&run, "dist/main.jsbundle.map", identity_map("/app/cart.ts", &source("cart")));
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("no debug id: add Sentry's plugin"), "{}", ended.stderr);
    run.clone().var("FINISHLINE_RELEASE", "app@1").execute().expect(0);
    assert_eq!(sent(&run).len(), 2, "{:?}", sent(&run));
    write(&run, "dist/main.jsbundle.map", "{\"version\":3,\"sources\":[],\"mappings\":\"\"}");
    let ended = run.var("FINISHLINE_RELEASE", "app@1").execute().expect(2);
    assert!(ended.stderr.contains("its source map is empty"), "{}", ended.stderr);
}

#[test]
fn the_map_of_bytecode_that_stays_is_not_said_to_be_of_nothing_that_was_uploaded() {
    let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    write(&run, "dist/main.jsbundle", hermes());
    write(&run, "dist/main.jsbundle.map", map_with_id());
    let ended = run.execute().expect(0);
    assert!(run.path("dist/main.jsbundle.map").exists());
    assert!(ended.stderr.contains("and keeps those of bytecode"), "{}", ended.stderr);
}

#[test]
fn a_frame_in_bytecode_is_led_back_by_the_map_beside_it() {
    let run = sourcemaps();
    write(&run, "dist/main.jsbundle", hermes());
    write(&run, "dist/main.jsbundle.map", map_with_id());
    run.execute().expect(0);
    let frame = ["sourcemaps", "explain", "--sourcemaps", "dist", "app:///main.jsbundle:2:1"];
    let said = run.clone().args(&frame).execute().expect(0).everything();
    assert!(said.contains("/app/src/cart.ts:2"), "{said}");
    write(&run, "dist/main.jsbundle.map", identity_map("/app/cart.ts", &source("cart")));
    let failed = run.args(&frame).execute().expect(2);
    assert!(
        failed.stderr.contains("`dist/main.jsbundle.map` has no debug id"),
        "{}",
        failed.stderr
    );
}

#[test]
fn what_cannot_be_sent_is_named_with_what_to_do() {
    let ram = [&[0xe5, 0xd1, 0x0b, 0xfb][..], &[0; 64]].concat();
    for (bytes, words) in
        [(hermes(), "write its composed source map beside it"), (ram, "build a plain bundle")]
    {
        let run = sourcemaps();
        write(&run, "dist/main.jsbundle", &bytes);
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
        write_script(&run, "dist/a.js");
        let ended = run.execute().expect(0);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn files_of_other_programs_stay_as_they_are() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    write(&run, "dist/fonts.bundle", b"UnityFS\0\xff\xfe");
    write(&run, "dist/texts.bundle", "hello = world\n");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("`dist/texts.bundle` may be a bundle"), "{}", ended.stderr);
    assert_eq!(run.text("dist/texts.bundle"), "hello = world\n");
}

#[test]
fn a_call_of_sentry_cli_that_finds_nothing_to_send_fails() {
    let serve = ServeProcess::start();
    let run = ProgramRun::local()
        .var("SENTRY_URL", serve.url())
        .var("SENTRY_AUTH_TOKEN", TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web");
    write(&run, "texts/readme.txt", "none");
    write(&run, "lone/x.map", identity_map("a.ts", &source("a")));
    write(&run, "bare/main.jsbundle", hermes());
    let call = |line: &str, exit: i32| {
        let args: Vec<_> = ["sentry-cli"].into_iter().chain(line.split(' ')).collect();
        run.clone().args(&args).execute().expect(exit).everything()
    };
    for (folder, words) in [
        ("texts", "there is no script in texts"),
        ("lone", "there is no script in lone"),
        ("bare", "`bare/main.jsbundle` (it is bytecode of Hermes"),
        ("bare/main.jsbundle", "`bare/main.jsbundle` (it is bytecode of Hermes"),
    ] {
        for line in ["sourcemaps inject", "sourcemaps upload -r v1"] {
            let said = call(&format!("{line} {folder}"), 1);
            assert!(said.contains(words), "{line} {folder}: {said}");
        }
    }
    write(&run, "app/index.android.bundle", hermes());
    // The release that its map needs is a matter of the upload.
    write(&run, "app/index.android.bundle.map", identity_map("/app/a.ts", &source("a")));
    let said = call("sourcemaps inject app", 0);
    assert!(said.contains("0 scripts injected, 0 had a debug id"), "{said}");
    write(&run, "app/index.android.bundle.map", map_with_id());
    let said = call(
        "sourcemaps upload --debug-id-reference --strip-prefix /app app/index.android.bundle app/index.android.bundle.map",
        0,
    );
    assert!(said.contains("source maps of 1 script uploaded"), "{said}");
    write_script(&run, "jsc/main.jsbundle");
    let said = call(
        "releases files v1 upload-sourcemaps --dist 7 jsc/main.jsbundle jsc/main.jsbundle.map",
        0,
    );
    assert!(said.contains("source maps of 1 script uploaded"), "{said}");
}
