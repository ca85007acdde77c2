//! Bundles to upload, and an upload from beginning to end in this process.

use crate::support::chunk_sentry::{CHUNK_TOKEN, ChunkOptions, ChunkSentry};
use finishline::backend::sentry::{ConnectOptions, SentrySourcemaps};
use finishline::error::Error;
use finishline::http::{ServerConnection, TlsTrust};
use finishline::model::OrgSlug;
use finishline::secret::Secret;
use finishline::sourcemap::bundle::{
    BundleTarget, BundleWriter, BundledFile, BundledKind, PackedBundleFile,
};
use finishline::sourcemap::debug_id::DebugId;
use finishline::sourcemap::upload::{UncutBundle, UploadPlan, UploadProgress, upload};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use url::Url;

/// A bundle, and what becomes of it.
pub(super) struct TestBundle {
    pub(super) target: BundleTarget,
    uncut: UncutBundle,
    bytes: Vec<u8>,
    pub(super) plan: UploadPlan,
    pub(super) timeout: Duration,
}

/// What an upload came to.
pub(super) struct TestUpload {
    pub(super) result: Result<(), Error>,
    pub(super) progress: UploadProgress,
    pub(super) time: Duration,
}

impl TestUpload {
    /// The failure, as code and message.
    pub(super) fn failure(&self) -> String {
        let failure = self.result.as_ref().unwrap_err();
        format!("{}: {}", failure.code, failure.message)
    }
}

/// A text of so many bytes that cannot be packed well.
pub(crate) fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

/// A bundle of scripts with these contents.
pub(super) fn bundle_of(scripts: &[Vec<u8>]) -> TestBundle {
    let projects = vec!["web".to_owned()];
    let (organization, release) = ("acme".to_owned(), Some("web@1.4.0".to_owned()));
    bundle_for(BundleTarget { organization, projects, release, dist: None }, scripts)
}

pub(super) fn bundle_for(target: BundleTarget, scripts: &[Vec<u8>]) -> TestBundle {
    let mut writer = BundleWriter::new(Vec::new(), &target).unwrap();
    for (number, script) in scripts.iter().enumerate() {
        let (id, url) = (DebugId::of_files(script, None), format!("~/js/{number:04}.js"));
        let kind = BundledKind::MinifiedSource;
        let file = BundledFile { kind, url: &url, id: Some(&id), sourcemap: None };
        writer.add(&file, &PackedBundleFile::pack(script).unwrap()).unwrap();
        writer.cut();
    }
    let finished = writer.finish().unwrap();
    let (bytes, lookups) = (finished.target, vec![DebugId::of_files(&scripts[0], None)]);
    let uncut = UncutBundle { id: finished.id, size: bytes.len() as u64, cuts: finished.cuts };
    let plan = UploadPlan { waits: true, lookups, ..UploadPlan::default() };
    TestBundle { target, uncut, bytes, plan, timeout: Duration::from_secs(20) }
}

/// A bundle of one small script.
pub(super) fn small_bundle() -> TestBundle {
    bundle_of(&[b"alert(1)".to_vec()])
}

/// Scripts of more than two megabytes in all.
pub(super) fn many_scripts() -> Vec<Vec<u8>> {
    (0..120).map(|number| noise(number, 2_000 + 300 * (number as usize % 128))).collect()
}

/// A bundle of them, for which a server is asked what it takes.
pub(super) fn large_bundle() -> &'static TestBundle {
    static BUNDLE: LazyLock<TestBundle> = LazyLock::new(|| bundle_of(&many_scripts()));
    &BUNDLE
}

/// A small bundle that a server with [`small_chunks`] refuses, and is asked what it takes.
pub(super) fn asking_bundle() -> TestBundle {
    bundle_of(&[noise(1, 9_000)])
}

/// What makes an upload of a small bundle take each kind of request.
pub(super) fn small_chunks() -> ChunkOptions {
    ChunkOptions { chunk_size: 5_000, ..ChunkOptions::default() }
}

impl TestBundle {
    pub(super) fn size(&self) -> u64 {
        self.uncut.size
    }

    /// Nothing changed on disk.
    pub(super) fn unchanged(mut self) -> Self {
        self.plan.is_unchanged = true;
        self
    }

    /// Nobody is asked for the ids afterwards.
    pub(super) fn without_lookups(mut self) -> Self {
        self.plan.lookups.clear();
        self
    }

    pub(super) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn upload_to(&self, sentry: &ChunkSentry) -> TestUpload {
        self.upload(&sentry.peer.url(), TlsTrust::NoTls, CHUNK_TOKEN)
    }

    pub(super) fn upload(&self, url: &str, trust: TlsTrust, token: &str) -> TestUpload {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (start, mut progress) = (Instant::now(), UploadProgress::default());
        let result = runtime.block_on(async {
            let options = ConnectOptions {
                headers: Vec::new(),
                url: Url::parse(url).unwrap(),
                token: Secret::from(token),
                token_origin: String::new(),
                deadline: tokio::time::Instant::now() + self.timeout,
                connection: ServerConnection::new(trust, self.timeout),
            };
            let mut backend = SentrySourcemaps::new(options, OrgSlug::parse("acme").unwrap())?;
            let (bytes, target) = (&mut self.bytes.clone(), &self.target);
            upload(&mut backend, bytes, &self.uncut, target, &self.plan, &mut progress, &|_| ())
                .await
        });
        TestUpload { result, progress, time: start.elapsed() }
    }
}
