//! Source maps without a server: the engine behind the seam, and what `serve` then shows of them.

use crate::support::bundles::{DEBUG_ID, cut, own_bundle, row_counts, sha1};
use crate::support::engine::block_on;
use crate::support::serve::{ServeProcess, TOKEN, database};
use finishline::backend::embedded::EmbeddedSourcemaps;
use finishline::model::OrgSlug;
use finishline::sourcemap::backend::{
    AssembleState, BundleChunk, ChunkedBundle, LookupAnswer, SourcemapBackend,
};
use finishline::sourcemap::bundle::BundleTarget;
use finishline::sourcemap::debug_id::DebugId;
use serde_json::json;

fn chunked(bundle: &[u8]) -> ChunkedBundle {
    let mut at = 0;
    let chunk = |bytes: Vec<u8>| {
        let size = bytes.len() as u64;
        at += size;
        BundleChunk { hash: sha1(&bytes), at: at - size, size }
    };
    let chunks = cut(bundle).into_iter().map(chunk).collect();
    ChunkedBundle { id: DebugId::of_hash(&[7; 16]), hash: sha1(bundle), chunks }
}

#[test]
fn a_laptop_keeps_bundles_in_its_file_and_serve_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let slug = OrgSlug::parse("acme").unwrap();
    let id = DebugId::parse(DEBUG_ID).unwrap();
    let bundle = own_bundle(Some("web@1"), None);
    let target = BundleTarget {
        organization: "acme".to_owned(),
        projects: vec!["web".to_owned()],
        release: Some("web@1".to_owned()),
        dist: None,
    };
    block_on(async {
        let path = database(folder.path());
        let mut backend = EmbeddedSourcemaps::open(&path, &slug).await.unwrap();
        assert_eq!(backend.finds("web", &id).await.unwrap(), LookupAnswer::NotFound);
        let (whole, chunks) = (chunked(&bundle), cut(&bundle));
        let missing = whole.chunks.iter().map(|chunk| chunk.hash.clone()).collect();
        let state = backend.assemble(&whole, &target).await.unwrap();
        assert_eq!(state, AssembleState::Missing(missing));
        // Nothing came into being for what was not done.
        assert_eq!(backend.created, [""; 0]);
        let stored = chunks.into_iter().map(|chunk| (sha1(&chunk), chunk)).collect();
        backend.store(vec![stored]).await.unwrap();
        for _ in 0..2 {
            let state = backend.assemble(&whole, &target).await.unwrap();
            assert_eq!(state, AssembleState::Complete);
        }
        assert_eq!(backend.created, ["created organization acme", "created project web"]);
        assert_eq!(backend.finds("web", &id).await.unwrap(), LookupAnswer::Found);
        assert_eq!(backend.finds("api", &id).await.unwrap(), LookupAnswer::NotFound);
        let wrong = ChunkedBundle { hash: sha1(b"other"), ..whole };
        let state = backend.assemble(&wrong, &target).await.unwrap();
        assert_eq!(state, AssembleState::Failed("Reported checksum mismatch".to_owned()));
        let limits = backend.limits().await.unwrap();
        assert!(limits.tells_missing_chunks && limits.chunk_size.is_power_of_two());
    });
    let serve = ServeProcess::over(folder, &["--org", "acme"], Some(TOKEN));
    assert_eq!(row_counts(&serve), [1, 3, 2, 1, 1]);
    let listed = serve.get("/api/0/projects/acme/web/files/artifact-bundles/").expect(200);
    assert_eq!(listed[0]["associations"], json!([{ "release": "web@1", "dist": null }]));
}
