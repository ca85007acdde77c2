//! Bundles that arrive, are listed, found, downloaded and deleted, as at Sentry.

use crate::support::bundles::{
    ASSEMBLE, CHUNK_UPLOAD, DEBUG_ID, FORM, MAP, PREFIX, SCRIPT, assemble_body, cut,
    foreign_bundle, form, manifest, own_bundle, row_counts, send_bundle, sha1, upload,
};
use crate::support::serve::{ServeProcess, TOKEN};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write;

const BUNDLES: &str = "/api/0/projects/acme/web/files/artifact-bundles/";
const LOOKUP: &str = "/api/0/projects/acme/web/artifact-lookup/";

fn get(serve: &ServeProcess, path: &str) -> Value {
    serve.get(path).expect(200)
}

/// A part as sentry-cli sends it.
fn gzip_part(chunk: &[u8]) -> (&'static str, String, Vec<u8>) {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(chunk).unwrap();
    ("file_gzip", sha1(chunk), packed.finish().unwrap())
}

#[test]
fn a_bundle_is_found_by_its_ids_and_urls_until_it_is_deleted() {
    let serve = ServeProcess::start();
    for bundle in [
        own_bundle(None, None),
        foreign_bundle(PREFIX, 8, &manifest()),
        foreign_bundle(PREFIX, 0, &manifest()),
        foreign_bundle(b"", 0, &manifest()),
    ] {
        let body = assemble_body(&bundle, json!({ "version": "web@1.0 β", "dist": "42" }));
        let missing = serve.request("POST", ASSEMBLE, body.clone()).expect(200);
        assert_eq!(missing, json!({ "state": "not_found", "missingChunks": body["chunks"] }));
        let [first, others @ ..] = &cut(&bundle)[..] else { panic!("there are chunks") };
        let packed = form(&[gzip_part(first)]);
        let answer = serve.request_bytes(TOKEN, ["POST", CHUNK_UPLOAD, FORM], &packed);
        assert_eq!(answer, (200, Vec::new()));
        let missing = serve.request("POST", ASSEMBLE, body.clone()).expect(200);
        assert_eq!(
            missing["missingChunks"].as_array().unwrap()[..],
            body["chunks"].as_array().unwrap()[1..]
        );
        assert_eq!(upload(&serve, TOKEN, others), (200, Vec::new()));
        for _ in 0..2 {
            let assembled = serve.request("POST", ASSEMBLE, body.clone()).expect(200);
            assert_eq!(assembled, json!({ "state": "ok", "missingChunks": [], "detail": null }));
        }
        assert_eq!(row_counts(&serve), [1, 3, 2, 1, 1]);
        assert_is_found(&serve, &bundle);
        delete(&serve);
        // What was sent need not be sent again.
        let again = serve.request("POST", ASSEMBLE, body).expect(200);
        assert_eq!(again["state"], "ok");
        delete(&serve);
        serve.database().execute("DELETE FROM upload_chunk", []).unwrap();
    }
}

fn delete(serve: &ServeProcess) {
    let id = get(serve, BUNDLES)[0]["bundleId"].as_str().unwrap().to_owned();
    let path = format!("{BUNDLES}?bundleId={id}");
    assert_eq!(serve.request("DELETE", &path, Value::Null).status, 204);
    assert_eq!(row_counts(serve), [0; 5]);
    assert_eq!(get(serve, BUNDLES), json!([]));
    assert_eq!(get(serve, &format!("{LOOKUP}?debug_id={DEBUG_ID}")), json!([]));
}

fn assert_is_found(serve: &ServeProcess, bundle: &[u8]) {
    let listed = get(serve, BUNDLES);
    let [listed] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    let associations = json!([{ "release": "web@1.0 β", "dist": "42" }]);
    assert_eq!(listed["associations"], associations);
    assert_eq!((&listed["fileCount"], &listed["date"]), (&json!(2), &listed["dateModified"]));
    let id = listed["bundleId"].as_str().unwrap();
    let files_path = format!("/api/0/projects/acme/web/artifact-bundles/{id}/files/");
    let files = get(serve, &files_path);
    assert_eq!((&files["bundleId"], &files["associations"]), (&listed["bundleId"], &associations));
    let expected = [("~/js/app.js", 2, SCRIPT), ("~/js/app.js.map", 3, MAP)];
    assert_eq!(files["files"].as_array().unwrap().len(), 2);
    for ((url, kind, contents), file) in expected.iter().zip(files["files"].as_array().unwrap()) {
        let path = file["id"].as_str().unwrap();
        let about = json!({ "id": path, "fileType": kind, "filePath": url,
            "fileSize": contents.len(), "debugId": DEBUG_ID });
        assert_eq!(*file, about);
        let download = format!("{files_path}{path}/");
        let (status, bytes) = serve.request_bytes(TOKEN, ["GET", &download, ""], b"");
        assert_eq!((status, bytes.as_slice()), (200, *contents));
    }
    let by_id = get(serve, &format!("{LOOKUP}?debug_id={}", DEBUG_ID.to_uppercase()));
    assert_eq!(
        (&by_id[0]["type"], &by_id[0]["resolved_with"]),
        (&json!("bundle"), &json!("debug-id"))
    );
    let by_release = get(serve, &format!("{LOOKUP}?url=app.js&release=web%401.0%20%CE%B2&dist=42"));
    assert_eq!(
        (&by_release[0]["id"], &by_release[0]["resolved_with"]),
        (&by_id[0]["id"], &json!("release"))
    );
    assert_eq!(get(serve, &format!("{LOOKUP}?url=app.js&release=web%401.0%20%CE%B2")), json!([]));
    let url = by_id[0]["url"].as_str().unwrap().strip_prefix(&serve.url()).unwrap().to_owned();
    let (status, bytes) = serve.request_bytes(TOKEN, ["GET", &url, ""], b"");
    assert_eq!((status, bytes.as_slice()), (200, bundle));
}

/// The bundle is one, whatever it is for; what else it is for is noted without a second upload.
#[test]
fn a_bundle_is_linked_to_every_release_and_project_that_asks() {
    let serve = ServeProcess::start();
    let bundle = own_bundle(Some("web@2"), Some("7"));
    assert_eq!(send_bundle(&serve, &bundle, json!({}))["state"], "ok");
    let more = json!({ "version": "web@3", "projects": ["web", "api"] });
    assert_eq!(send_bundle(&serve, &bundle, more)["state"], "ok");
    assert_eq!(row_counts(&serve), [1, 3, 2, 2, 2]);
    // The dist of the manifest goes with a release that names none, as in Sentry.
    let associations =
        json!([{ "release": "web@2", "dist": "7" }, { "release": "web@3", "dist": "7" }]);
    let api = BUNDLES.replace("/web/", "/api/");
    for path in [BUNDLES, &api] {
        assert_eq!(get(&serve, path)[0]["associations"], associations);
    }
    let id = get(&serve, BUNDLES)[0]["bundleId"].as_str().unwrap().to_owned();
    assert_eq!(serve.request("DELETE", &format!("{api}?bundleId={id}"), Value::Null).status, 204);
    assert_eq!((row_counts(&serve), get(&serve, &api)), (vec![1, 3, 2, 1, 2], json!([])));
    let others = serve.request("DELETE", &format!("{api}?bundleId={id}"), Value::Null).expect(404);
    let words = format!("Artifact bundle with {id} found but it is not connected to project");
    assert!(others["error"].as_str().unwrap().starts_with(&words), "{others}");
    let files = format!("/api/0/projects/acme/api/artifact-bundles/{id}/files/");
    let words =
        format!("The artifact bundle with {id} is not bound to this project or doesn't exist");
    assert_eq!(serve.get(&files).expect(400), json!({ "error": words }));
    for (query, words) in [("", "None"), ("?bundleId=../x", "../x")] {
        let answer = serve.request("DELETE", &format!("{BUNDLES}{query}"), Value::Null).expect(404);
        assert_eq!(answer, json!({ "error": format!("Supplied an invalid bundle_id {words}") }));
    }
}

/// Bundles of one id and other bytes replace each other; their chunks go when they are old.
#[test]
fn a_bundle_of_the_same_id_is_replaced_with_its_files() {
    let serve = ServeProcess::start();
    send_bundle(&serve, &foreign_bundle(PREFIX, 8, &manifest()), json!({ "version": "1" }));
    let mut other = manifest();
    other["files"].as_object_mut().unwrap().shift_remove("files/_/_/js/app.js");
    send_bundle(&serve, &foreign_bundle(PREFIX, 8, &other), json!({ "version": "2" }));
    assert_eq!(row_counts(&serve), [1, 3, 1, 1, 2]);
    let spare = "SELECT count(*) FROM upload_chunk WHERE spare_since IS NOT NULL";
    let count =
        |sql: &str| serve.database().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let (before, left) = (count("SELECT count(*) FROM upload_chunk"), count(spare));
    assert!(left > 0 && left < before, "{left} of {before}");
    serve
        .database()
        .execute("UPDATE upload_chunk SET spare_since = spare_since - 86400001", [])
        .unwrap();
    assert_eq!(upload(&serve, TOKEN, &[b"one more".to_vec()]).0, 200);
    assert_eq!((count(spare), count("SELECT count(*) FROM upload_chunk")), (1, before - left + 1));
}

#[test]
fn bundles_are_listed_ten_at_a_time_and_searched_for_exactly() {
    let serve = ServeProcess::start();
    for number in 0..12 {
        let release = format!("web@{number}");
        let bundle = own_bundle(Some(&release), None);
        assert_eq!(send_bundle(&serve, &bundle, json!({}))["state"], "ok");
    }
    let releases = |path: &str| -> Vec<String> {
        let listed = get(&serve, path);
        let release = |row: &Value| row["associations"][0]["release"].as_str().unwrap().to_owned();
        listed.as_array().unwrap().iter().map(release).collect()
    };
    let newest: Vec<_> = (2..12).rev().map(|number| format!("web@{number}")).collect();
    assert_eq!(releases(BUNDLES), newest);
    assert_eq!(releases(&format!("{BUNDLES}?cursor=10:1:0")), ["web@1", "web@0"]);
    assert_eq!(releases(&format!("{BUNDLES}?sortBy=date_modified&per_page=1")), ["web@0"]);
    serve.get(&format!("{BUNDLES}?sortBy=name")).expect(400);
    assert_eq!(releases(&format!("{BUNDLES}?query=web%407")), ["web@7"]);
    assert_eq!(releases(&format!("{BUNDLES}?query=web")), [""; 0]);
    assert_eq!(releases(&format!("{BUNDLES}?query={DEBUG_ID}")).len(), 10);
    // Of several bundles of a release those are found that have the file.
    let mut other = manifest();
    other["files"]["files/_/_/js/app.js"]["url"] = json!("~/js/other.js");
    send_bundle(&serve, &foreign_bundle(PREFIX, 8, &other), json!({ "version": "web@7" }));
    let found = get(&serve, &format!("{LOOKUP}?url=OTHER.js&release=web%407"));
    assert_eq!((found.as_array().unwrap().len(), &found[0]["resolved_with"]), (1, &json!("index")));
}

/// Sentry's rule for relative addresses: each part of sentry-cli's version by itself.
#[test]
fn the_limits_say_where_an_upload_goes() {
    let serve = ServeProcess::start();
    let limits = |agent: &str| {
        let headers =
            [("Authorization", format!("Bearer {TOKEN}")), ("User-Agent", agent.to_owned())];
        serve.send("GET", CHUNK_UPLOAD, &headers, "").expect(200)
    };
    let absolute = format!("{}{CHUNK_UPLOAD}", serve.url());
    for (agent, url) in [
        ("sentry-cli/2.70.1", "organizations/acme/chunk-upload/"),
        ("sentry-cli/1.71.2-alpha", "organizations/acme/chunk-upload/"),
        ("sentry-cli/3.8.0", &absolute),
        ("sentry-cli/2.70.0", &absolute),
        ("curl/9.99.9", &absolute),
    ] {
        assert_eq!(limits(agent)["url"], url, "{agent}");
    }
    let limits = limits("x");
    assert_eq!(limits["accept"], json!(["artifact_bundles", "artifact_bundles_v2"]));
    assert_eq!(
        (&limits["hashAlgorithm"], &limits["compression"]),
        (&json!("sha1"), &json!(["gzip"]))
    );
}

#[test]
fn the_page_of_a_release_shows_its_scripts() {
    let serve = ServeProcess::start();
    let release = json!({ "version": "web@4", "projects": ["web"] });
    serve.request("POST", "/api/0/organizations/acme/releases/", release).expect(201);
    let page = "/organizations/acme/releases/web%404/";
    assert!(!serve.get(page).text.contains("source maps"));
    let mut hostile = manifest();
    hostile["files"]["files/_/_/js/app.js"]["url"] = json!("~/<script>alert(1)</script>");
    send_bundle(
        &serve,
        &foreign_bundle(PREFIX, 8, &hostile),
        json!({ "version": "web@4", "dist": "9" }),
    );
    let shown = serve.get(page).text;
    for part in [
        "Scripts and source maps",
        "~/js/app.js.map",
        DEBUG_ID,
        "dist <bdi>9</bdi>",
        "~/&lt;script&gt;alert(1)&lt;/script&gt;",
        "c1d2e3f4-0516-5728-894a-5b6c7d8e9fa0",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
