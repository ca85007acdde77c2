//! Bundles of scripts and their maps, ours and others', and the way they are uploaded to `serve`.

use crate::support::serve::{ServeProcess, TOKEN};
use finishline::sourcemap::archive::ArchiveWriter;
use finishline::sourcemap::bundle::{
    BundleTarget, BundleWriter, BundledFile, BundledKind, PackedBundleFile,
};
use finishline::sourcemap::debug_id::DebugId;
use finishline::sourcemap::packed_file::PackedFile;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

/// The id of the script and the map in each of these bundles.
pub(crate) const DEBUG_ID: &str = "5c3e0f0a-6d0e-5b7f-9a41-0c2d7e8f1a2b";
pub(crate) const SCRIPT: &[u8] = b"console.log(\"caf\xc3\xa9\")\n//# sourceMappingURL=app.js.map\n";
pub(crate) const MAP: &[u8] = b"{\"version\":3,\"sources\":[\"a.ts\"],\"mappings\":\"AAAA\"}";

/// The eight bytes of a bundle.
pub(crate) const PREFIX: &[u8] = b"SYSB\x02\0\0\0";

/// A bundle as we write it.
pub(crate) fn own_bundle(release: Option<&str>, dist: Option<&str>) -> Vec<u8> {
    let target = BundleTarget {
        organization: "acme".to_owned(),
        projects: vec!["web".to_owned()],
        release: release.map(str::to_owned),
        dist: dist.map(str::to_owned),
    };
    let id = DebugId::parse(DEBUG_ID);
    let mut writer = BundleWriter::new(Vec::new(), &target).unwrap();
    for (kind, url, sourcemap, contents) in [
        (BundledKind::MinifiedSource, "~/js/app.js", Some("app.js.map"), SCRIPT),
        (BundledKind::SourceMap, "~/js/app.js.map", None, MAP),
    ] {
        let file = BundledFile { kind, url, id: id.as_ref(), sourcemap };
        writer.add(&file, &PackedBundleFile::pack(contents).unwrap()).unwrap();
    }
    writer.finish().unwrap().target
}

/// The manifest of such a bundle, as other tools write it.
pub(crate) fn manifest() -> Value {
    json!({ "debug_id": "C1D2E3F4-0516-5728-894A-5B6C7D8E9FA0", "org": "acme", "files": {
        "files/_/_/js/app.js": { "type": "minified_source", "url": "~/js/app.js",
            "headers": { "Debug-Id": DEBUG_ID.to_uppercase(), "Sourcemap": "app.js.map" } },
        "files/_/_/js/app.js.map": { "type": "source_map", "url": "~/js/app.js.map",
            "headers": { "debug-id": DEBUG_ID.replace('-', "") } },
    }})
}

/// A bundle with these files behind a prefix, whose offsets count this much of it.
pub(crate) fn archive(prefix: &[u8], counted: u64, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(prefix.to_vec(), counted);
    for (name, contents) in files {
        writer.add(name, &PackedFile::pack(contents, 6).unwrap()).unwrap();
    }
    writer.finish().unwrap()
}

/// A bundle of another tool: the same files with this manifest.
pub(crate) fn foreign_bundle(prefix: &[u8], counted: u64, manifest: &Value) -> Vec<u8> {
    let manifest = manifest.to_string();
    let files = [
        ("files/_/_/js/app.js", SCRIPT),
        ("files/_/_/js/app.js.map", MAP),
        ("manifest.json", manifest.as_bytes()),
    ];
    archive(prefix, counted, &files)
}

pub(crate) fn sha1(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Uneven pieces of a bundle.
pub(crate) fn cut(bundle: &[u8]) -> Vec<Vec<u8>> {
    let (first, second) = (bundle.len() / 7, bundle.len() / 2);
    [&bundle[..first], &bundle[first..second], &bundle[second..]].map(<[u8]>::to_vec).to_vec()
}

/// The body of an upload: field, file name and contents of each part.
pub(crate) fn form(parts: &[(&str, String, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, name, contents) in parts {
        let head = format!(
            "--the-mark\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.as_bytes());
        body.extend(contents);
        body.extend(b"\r\n");
    }
    body.extend(b"--the-mark--\r\n");
    body
}

pub(crate) const FORM: &str = "multipart/form-data; boundary=the-mark";
pub(crate) const CHUNK_UPLOAD: &str = "/api/0/organizations/acme/chunk-upload/";
pub(crate) const ASSEMBLE: &str = "/api/0/organizations/acme/artifactbundle/assemble/";

/// Uploads chunks as they are; the status and the answer.
pub(crate) fn upload(serve: &ServeProcess, token: &str, chunks: &[Vec<u8>]) -> (u16, Vec<u8>) {
    let parts: Vec<_> = chunks.iter().map(|chunk| ("file", sha1(chunk), chunk.clone())).collect();
    serve.request_bytes(token, ["POST", CHUNK_UPLOAD, FORM], &form(&parts))
}

/// What is asked to have a bundle put together.
pub(crate) fn assemble_body(bundle: &[u8], more: Value) -> Value {
    let chunks: Vec<_> = cut(bundle).iter().map(|chunk| sha1(chunk)).collect();
    let mut body = json!({ "checksum": sha1(bundle), "chunks": chunks, "projects": ["web"] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Uploads a bundle and has it put together; the answer.
pub(crate) fn send_bundle(serve: &ServeProcess, bundle: &[u8], more: Value) -> Value {
    assert_eq!(upload(serve, TOKEN, &cut(bundle)), (200, Vec::new()));
    serve.request("POST", ASSEMBLE, assemble_body(bundle, more)).expect(200)
}

/// How many rows there are of bundles and all that belongs to them.
pub(crate) fn row_counts(serve: &ServeProcess) -> Vec<i64> {
    let tables = ["", "_chunk", "_file", "_project", "_release"];
    let count = |table| {
        let sql = format!("SELECT count(*) FROM artifact_bundle{table}");
        serve.database().query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    tables.map(count).to_vec()
}
