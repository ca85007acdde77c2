//! Uploads that are refused: by whom they are, by their size, and by what is in them.

use crate::support::bundles::{
    ASSEMBLE, CHUNK_UPLOAD, FORM, PREFIX, archive, assemble_body, cut, foreign_bundle, form,
    manifest, own_bundle, row_counts, send_bundle, sha1, upload,
};
use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::{Value, json};

const MIB: usize = 1024 * 1024;
const LISTED: &str = "/api/0/projects/acme/web/files/artifact-bundles/";

fn send_form(serve: &ServeProcess, parts: &[(&str, String, Vec<u8>)]) -> (u16, Value) {
    let (status, body) = serve.request_bytes(TOKEN, ["POST", CHUNK_UPLOAD, FORM], &form(parts));
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[test]
fn chunks_are_held_to_the_limits_and_to_their_names() {
    let serve = ServeProcess::start();
    let part = |field: &'static str, contents: Vec<u8>| (field, sha1(&contents), contents);
    let large = || part("file", vec![7; MIB]);
    let bomb = {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packed, &vec![0; 2 * MIB]).unwrap();
        packed.finish().unwrap()
    };
    let many = (0..65u8).map(|number| part("file", vec![number])).collect::<Vec<_>>();
    for (parts, words) in [
        (vec![part("file", vec![7; MIB + 1])], "Chunk size too large"),
        (vec![("file_gzip", sha1(b""), bomb)], "Chunk size too large"),
        (vec![large(), large(), large(), part("file", vec![1])], "Request too large"),
        (many, "Too many chunks"),
        (vec![("file", sha1(b"other"), b"one".to_vec())], "Checksum mismatch"),
        (vec![("file", sha1(b"one").to_uppercase(), b"one".to_vec())], "Checksum mismatch"),
        (vec![part("file_gzip", b"no gzip".to_vec())], "A chunk is not in gzip's format"),
        (vec![part("data", b"x".to_vec())], "The form has an unknown field: data"),
    ] {
        // One that is right beside them is not kept either.
        let parts = [vec![part("file", b"right".to_vec())], parts].concat();
        let parts = if words == "Request too large" { parts[1..].to_vec() } else { parts };
        assert_eq!(send_form(&serve, &parts), (400, json!({ "error": words })));
    }
    let broken = serve.request_bytes(TOKEN, ["POST", CHUNK_UPLOAD, "multipart/form-data"], b"--x");
    assert_eq!(broken.0, 400);
    let stored: i64 = serve
        .database()
        .query_row("SELECT count(*) FROM upload_chunk", [], |row| row.get(0))
        .unwrap();
    assert_eq!(stored, 0);
    assert_eq!(send_form(&serve, &[large(), large(), large()]).0, 200);
    assert_eq!(serve.request_bytes(TOKEN, ["POST", CHUNK_UPLOAD, ""], b""), (200, Vec::new()));
}

#[test]
fn what_is_asked_to_be_put_together_is_read_as_sentry_reads_it() {
    let serve = ServeProcess::start();
    let bundle = own_bundle(None, None);
    let body = |more: Value| assemble_body(&bundle, more);
    for (body, words) in [
        (json!([]), "invalid"),
        (body(json!({ "projects": [] })), "You need to specify at least one project"),
        (body(json!({ "projects": ["web", "none"] })), "One or more projects are invalid"),
        (body(json!({ "projects": [1] })), "invalid type"),
        (body(json!({ "version": "a/b" })), "'a/b' does not match '^[^/]+$'"),
        (body(json!({ "version": "" })), "'' does not match '^[^/]+$'"),
        (body(json!({ "version": null })), "invalid type"),
        (body(json!({ "dist": "1" })), "You need to specify a release together with a dist"),
        (body(json!({ "checksum": "ABC" })), "'ABC' does not match '^[0-9a-f]{40}$'"),
        (body(json!({ "chunks": ["x"] })), "'x' does not match '^[0-9a-f]{40}$'"),
        (body(json!({ "org": "acme" })), "unknown field `org`"),
        (json!({ "chunks": [], "projects": ["web"] }), "missing field `checksum`"),
    ] {
        let answer = serve.request("POST", ASSEMBLE, body.clone()).expect(400);
        assert!(answer["error"].as_str().unwrap().contains(words), "{body} {answer}");
    }
    let unknown = body(json!({ "chunks": [] }));
    let answer = serve.request("POST", ASSEMBLE, unknown).expect(200);
    assert_eq!(answer, json!({ "state": "not_found", "missingChunks": [] }));
    // A refusal is not remembered.
    assert_eq!(send_bundle(&serve, &bundle, json!({ "version": "1", "dist": "1" }))["state"], "ok");
}

/// Sets a number of two or four bytes, `at` bytes behind the last of these marks.
fn tampered(mut bundle: Vec<u8>, mark: &[u8], at: usize, number: &[u8]) -> Vec<u8> {
    let start = bundle.windows(mark.len()).rposition(|bytes| bytes == mark).unwrap();
    bundle[start + at..start + at + number.len()].copy_from_slice(number);
    bundle
}

/// Bundles, each with what is wrong with it.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let right = || foreign_bundle(PREFIX, 8, &manifest());
    let with = |path: &str| {
        let manifest = json!({ "files": { path: { "url": "~/x", "type": "source" } } }).to_string();
        archive(PREFIX, 8, &[(path, b"x"), ("manifest.json", manifest.as_bytes())])
    };
    let twice = manifest().to_string().replace("app.js.map\":{\"type", "app.js\":{\"type");
    let text = |text: &str| archive(PREFIX, 8, &[("manifest.json", text.as_bytes())]);
    vec![
        ("empty", Vec::new()),
        ("no archive", b"SYSB\x02\0\0\0".to_vec()),
        ("cut off", right()[..300].to_vec()),
        ("offsets that count something else", foreign_bundle(PREFIX, 3, &manifest())),
        ("another prefix", foreign_bundle(b"GARBAGE!", 0, &manifest())),
        ("a way out", with("files/../../etc/passwd")),
        ("an absolute path", with("/etc/passwd")),
        ("a path of Windows", with("..\\x")),
        ("a line end in a name", with("files/a\nb")),
        (
            "two of a name",
            archive(PREFIX, 8, &[("manifest.json", b"{}"), ("manifest.json", b"{}")]),
        ),
        ("no manifest", archive(PREFIX, 8, &[("files/a", b"x")])),
        ("a manifest that is none", text("[]")),
        ("a file that is not there", text(&manifest().to_string())),
        ("one file twice", {
            let files =
                [("files/_/_/js/app.js", b"x".as_slice()), ("manifest.json", twice.as_bytes())];
            archive(PREFIX, 8, &files)
        }),
        ("a deep manifest", text(&"[".repeat(100_000))),
    ]
}

/// Archives whose directory lies.
fn tampered_bundles() -> Vec<(&'static str, Vec<u8>)> {
    let right = || foreign_bundle(PREFIX, 8, &manifest());
    let (directory, end) = (b"PK\x01\x02".as_slice(), b"PK\x05\x06".as_slice());
    let bomb = vec![b' '; 2 * MIB];
    let bomb = || archive(PREFIX, 8, &[("manifest.json", &bomb)]);
    vec![
        ("more than it says", tampered(bomb(), directory, 24, &[64, 0, 0, 0])),
        ("a manifest of 32 MiB", tampered(bomb(), directory, 24, &[0, 0, 0, 2])),
        ("more entries than there are", tampered(right(), end, 10, &[9, 0])),
        ("65535 entries", tampered(tampered(right(), end, 8, &[255, 255]), end, 10, &[255, 255])),
        ("a larger directory", tampered(right(), end, 12, &[255, 255, 255, 0])),
        ("a directory elsewhere", tampered(right(), end, 16, &[0, 0, 0, 0])),
        ("a second disk", tampered(right(), end, 4, &[1, 0])),
        ("a smaller size", tampered(right(), directory, 24, &[1, 0, 0, 0])),
        ("a larger size", tampered(right(), directory, 24, &[255, 255, 255, 255])),
        ("a larger packed size", tampered(right(), directory, 20, &[255, 255, 0, 0])),
        ("another checksum", tampered(right(), directory, 16, &[0, 0, 0, 0])),
        ("zstd", tampered(right(), directory, 10, &[93, 0])),
        ("encrypted", tampered(right(), directory, 8, &[1, 0])),
        ("overlapping entries", tampered(right(), directory, 42, &[8, 0, 0, 0])),
        ("an entry in the directory", tampered(right(), directory, 42, &[255, 255, 0, 0])),
    ]
}

#[test]
fn hostile_bundles_are_invalid_and_leave_nothing() {
    let serve = ServeProcess::start();
    for (what, bundle) in hostile().into_iter().chain(tampered_bundles()) {
        let answer = send_bundle(&serve, &bundle, json!({ "version": "1" }));
        let expected = json!({ "state": "error", "missingChunks": [],
            "detail": "the bundle is invalid" });
        assert_eq!(answer, expected, "{what}");
        assert_eq!(row_counts(&serve), [0; 5], "{what}");
    }
    let nothing = foreign_bundle(PREFIX, 8, &json!({ "files": {} }));
    let prohibited = send_bundle(&serve, &nothing, json!({}));
    let words = "uploading a bundle without debug ids or release is prohibited";
    assert_eq!((&prohibited["state"], &prohibited["detail"]), (&json!("error"), &json!(words)));
    let wrong = assemble_body(&nothing, json!({ "checksum": sha1(b"other"), "version": "1" }));
    let mismatch = serve.request("POST", ASSEMBLE, wrong).expect(200);
    assert_eq!(mismatch["detail"], "Reported checksum mismatch");
    assert_eq!(row_counts(&serve), [0; 5]);
    // The server lives on, and without ids a release is enough.
    assert_eq!(send_bundle(&serve, &nothing, json!({ "version": "1" }))["state"], "ok");
}

#[test]
fn only_who_may_write_releases_uploads_and_only_an_admin_downloads() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--org", "acme", "--org", "beta", "--project", "web", "--project", "api"];
    let serve = ServeProcess::over(folder, &arguments, Some(TOKEN));
    let bundle = own_bundle(Some("1"), None);
    let body = assemble_body(&bundle, json!({}));
    let (organization, member) = (serve.org_token(), serve.token("member", "project:releases"));
    for (token, status) in [
        (String::new(), 401),
        ("wrong".to_owned(), 401),
        (serve.token("owner", "org:read"), 403),
        (serve.token("owner", "project:read"), 403),
        (serve.token("owner", "org:integrations"), 403),
        (serve.token("", "project:releases"), 403),
        (member.clone(), 200),
        (organization.clone(), 200),
    ] {
        assert_eq!(upload(&serve, &token, &cut(&bundle)).0, status, "{token}");
        assert_eq!(
            serve.request_as(&token, "POST", ASSEMBLE, body.clone()).status,
            status,
            "{token}"
        );
    }
    assert_is_of_acme_alone(&serve, &organization, &body);
    assert_downloads(&serve, &[(&member, 403), (&organization, 403)]);
}

/// Chunks and bundles of one organization are none of another's.
fn assert_is_of_acme_alone(serve: &ServeProcess, organization: &str, body: &Value) {
    let beta = ASSEMBLE.replace("acme", "beta");
    assert_eq!(serve.request_as(organization, "POST", &beta, body.clone()).status, 403);
    let missing = serve.request("POST", &beta, body.clone()).expect(200);
    assert_eq!(missing["missingChunks"], body["chunks"]);
    let none = ASSEMBLE.replace("acme", "none");
    assert_eq!(serve.request("POST", &none, body.clone()).status, 404);
    assert_eq!(serve.get(&LISTED.replace("acme", "beta")).expect(200), json!([]));
}

fn assert_downloads(serve: &ServeProcess, refused: &[(&str, u16)]) {
    let id = serve.get(LISTED).expect(200)[0]["bundleId"].as_str().unwrap().to_owned();
    let files = format!("/api/0/projects/acme/web/artifact-bundles/{id}/files/");
    let file = serve.get(&files).expect(200)["files"][0]["id"].as_str().unwrap().to_owned();
    let lookup = "/api/0/projects/acme/web/artifact-lookup/?download=artifact_bundle/1";
    let admin = serve.token("admin", "project:read");
    for (token, status) in refused.iter().chain(&[(admin.as_str(), 200)]) {
        let download = format!("{files}{file}/");
        assert_eq!(serve.request_bytes(token, ["GET", &download, ""], b"").0, *status, "{token}");
        assert_eq!(serve.request_bytes(token, ["GET", lookup, ""], b"").0, *status, "{token}");
    }
    for (file, status) in [("%2E%2E", 400), ("bm9uZQ==", 404), ("_w==", 400)] {
        assert_eq!(serve.get(&format!("{files}{file}/")).status, status, "{file}");
    }
    let delete = format!("{LISTED}?bundleId={id}");
    let writer = serve.token("owner", "project:write");
    assert_eq!(serve.request_as(&writer, "DELETE", &delete, Value::Null).status, 403);
}
