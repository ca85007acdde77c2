//! The part of a Sentry that takes source maps, as that of 2023 does it: chunks, bundles put together
//! from them, what it remembers of a bundle, and look-ups.

use crate::support::http_server::{HttpServer, Request, Response};
use flate2::read::DeflateDecoder;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, Read};
use std::sync::{Arc, Mutex, MutexGuard};

/// The token that it takes.
pub(crate) const CHUNK_TOKEN: &str =
    "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";

/// What it takes, and how it behaves.
pub(crate) struct ChunkOptions {
    pub(crate) chunk_size: usize,
    pub(crate) chunks_per_request: usize,
    pub(crate) request_size: usize,
    pub(crate) bundle_size: usize,
    pub(crate) accept: Vec<&'static str>,
    /// The address for chunks that it tells, if not its usual one.
    pub(crate) told_url: Option<String>,
    /// Whether only `/chunks/here/` takes chunks.
    pub(crate) is_elsewhere: bool,
    /// Answers of a bundle before the last one.
    pub(crate) states: Vec<&'static str>,
    /// What it says of every bundle in the end, in place of `ok`.
    pub(crate) detail: Option<&'static str>,
    /// How many of the chunks that it takes it forgets.
    pub(crate) lost_chunks: usize,
    /// The longest body that a proxy before it lets through.
    pub(crate) proxy_limit: usize,
    /// How many look-ups find nothing yet.
    pub(crate) late_lookups: usize,
    pub(crate) has_lookup: bool,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self {
            chunk_size: 8 * 1024 * 1024,
            chunks_per_request: 64,
            request_size: 32 * 1024 * 1024,
            bundle_size: 2 * 1024 * 1024 * 1024,
            accept: vec!["debug_files", "release_files", "artifact_bundles", "artifact_bundles_v2"],
            told_url: None,
            is_elsewhere: false,
            states: Vec::new(),
            detail: None,
            lost_chunks: 0,
            proxy_limit: usize::MAX,
            late_lookups: 0,
            has_lookup: true,
        }
    }
}

impl ChunkOptions {
    /// One that does not tell which chunks are missing.
    pub(crate) fn without_missing_chunks() -> Self {
        Self { accept: vec!["release_files", "artifact_bundles"], ..Self::default() }
    }
}

/// What it has.
#[derive(Default)]
pub(crate) struct ChunkData {
    pub(crate) options: ChunkOptions,
    pub(crate) chunks: BTreeMap<String, Vec<u8>>,
    /// What it remembers of each checksum: states, the last of which stays, and the reason of an error.
    pub(crate) remembered: BTreeMap<String, (VecDeque<String>, Option<String>)>,
    /// The manifest of each bundle, and the request that named it.
    pub(crate) bundles: BTreeMap<String, (Value, Value)>,
    /// The bytes of all chunks that came.
    pub(crate) received: usize,
}

impl ChunkData {
    /// Answers a request, and stores what it brings.
    pub(crate) fn answer(&mut self, request: &Request) -> Response {
        if request.header("authorization") != format!("Bearer {CHUNK_TOKEN}") {
            return Response::detail(401, "Invalid token");
        }
        if request.bytes.len() > self.options.proxy_limit {
            return Response::html(413, "<title>413 Request Entity Too Large</title>");
        }
        match request.line().as_str() {
            "GET chunk-upload/" => self.limits(request),
            "POST chunk-upload/" if !self.options.is_elsewhere => self.take_chunks(request),
            "POST /chunks/here/" => self.take_chunks(request),
            "POST artifactbundle/assemble/"
                if self.options.accept.contains(&"artifact_bundles") =>
            {
                self.assemble(&request.json())
            }
            line if line.contains("/artifact-lookup/") && self.options.has_lookup => {
                self.look_up(line, &request.parameter("debug_id"))
            }
            line if line.contains("/artifact-lookup/") => Response::html(404, ""),
            "GET /api/0/projects/acme/web/" => Response::json(200, &json!({"slug": "web"})),
            line if line.starts_with("GET /api/0/projects/acme/") => {
                Response::detail(404, "The requested resource does not exist")
            }
            "GET projects/" => Response::json(200, &json!([{"slug": "web"}, {"slug": "api"}])),
            _ => Response::html(404, ""),
        }
    }

    fn limits(&self, request: &Request) -> Response {
        let options = &self.options;
        let usual = format!("http://{}{}", request.header("host"), request.path());
        Response::json(
            200,
            &json!({
                "url": options.told_url.clone().unwrap_or(usual),
                "chunkSize": options.chunk_size,
                "chunksPerRequest": options.chunks_per_request,
                "maxFileSize": options.bundle_size,
                "maxRequestSize": options.request_size,
                "concurrency": 8,
                "hashAlgorithm": "sha1",
                "compression": ["gzip"],
                "accept": options.accept,
            }),
        )
    }

    fn take_chunks(&mut self, request: &Request) -> Response {
        let refuse = |reason: &str| Response::json(400, &json!({ "error": reason }));
        let files = files(request);
        let sizes: Vec<_> = files.iter().map(|(_, bytes)| bytes.len()).collect();
        if sizes.iter().any(|size| *size > self.options.chunk_size) {
            return refuse("Chunk size too large");
        }
        if sizes.iter().sum::<usize>() > self.options.request_size {
            return refuse("Request too large");
        }
        if files.len() > self.options.chunks_per_request {
            return refuse("Too many chunks");
        }
        if files.iter().any(|(name, bytes)| *name != sha1_hex(bytes)) {
            return refuse("Checksum mismatch");
        }
        for (name, bytes) in files {
            self.received += bytes.len();
            match self.options.lost_chunks.checked_sub(1) {
                Some(left) => self.options.lost_chunks = left,
                None => drop(self.chunks.insert(name, bytes)),
            }
        }
        Response::html(200, "")
    }

    fn assemble(&mut self, body: &Value) -> Response {
        let refuse = |reason: &str| Response::json(400, &json!({ "error": reason }));
        let known = ["checksum", "chunks", "projects", "version", "dist"];
        if body.as_object().unwrap().keys().any(|key| !known.contains(&key.as_str())) {
            return refuse("Additional properties are not allowed");
        }
        let projects = body["projects"].as_array().unwrap();
        if projects.is_empty() || projects.iter().any(|slug| slug != "web" && slug != "api") {
            return refuse("One or more projects are invalid");
        }
        let checksum = body["checksum"].as_str().unwrap().to_owned();
        let hashes: Vec<_> =
            body["chunks"].as_array().unwrap().iter().map(|hash| hash.as_str().unwrap()).collect();
        let missing: BTreeSet<_> =
            hashes.iter().filter(|hash| !self.chunks.contains_key(**hash)).collect();
        if !missing.is_empty() && self.options.accept.contains(&"artifact_bundles_v2") {
            return Response::json(200, &json!({"state": "not_found", "missingChunks": missing}));
        }
        if !self.remembered.contains_key(&checksum) {
            let reason = match missing.is_empty() {
                true => self.put_together(&checksum, &hashes, body),
                false => Some("Not all chunks available for assembling".to_owned()),
            };
            let reason = reason.or(self.options.detail.map(str::to_owned));
            let is_late = !missing.is_empty() && self.options.states.is_empty();
            let mut states: VecDeque<_> =
                self.options.states.iter().map(ToString::to_string).collect();
            states.extend(is_late.then(|| "created".to_owned()));
            states.push_back(if reason.is_some() { "error" } else { "ok" }.to_owned());
            self.remembered.insert(checksum.clone(), (states, reason));
        }
        let (states, reason) = self.remembered.get_mut(&checksum).unwrap();
        let state = if states.len() > 1 { states.pop_front() } else { states.front().cloned() };
        let detail = reason.clone().filter(|_| state.as_deref() == Some("error"));
        Response::json(200, &json!({"state": state, "missingChunks": [], "detail": detail}))
    }

    /// Why it cannot be, if so.
    fn put_together(&mut self, checksum: &str, hashes: &[&str], body: &Value) -> Option<String> {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| self.chunks[*hash].clone()).collect();
        if sha1_hex(&bytes) != checksum {
            return Some("Reported checksum mismatch".to_owned());
        }
        let Some(manifest) = manifest(&bytes) else {
            return Some("the bundle is invalid".to_owned());
        };
        self.bundles.insert(checksum.to_owned(), (manifest, body.clone()));
        None
    }

    fn look_up(&mut self, line: &str, id: &str) -> Response {
        if let Some(left) = self.options.late_lookups.checked_sub(1) {
            self.options.late_lookups = left;
            return Response::json(200, &json!([]));
        }
        let project = line.split('/').nth(5).unwrap();
        let has_id = |manifest: &Value| {
            let files = manifest["files"].as_object().unwrap();
            files.values().any(|file| file["headers"]["debug-id"] == id)
        };
        let is_of = |body: &Value| body["projects"].as_array().unwrap().contains(&json!(project));
        let is_found = |(manifest, body): &&(Value, Value)| has_id(manifest) && is_of(body);
        let item = json!({"id": "artifact_bundle/14", "type": "bundle", "url": "http://x/", "resolved_with": "debug-id"});
        let found: Vec<_> =
            self.bundles.values().find(is_found).map(|_| item).into_iter().collect();
        Response::json(200, &json!(found))
    }
}

/// The files of a form: the name of each, and its bytes.
fn files(request: &Request) -> Vec<(String, Vec<u8>)> {
    let (_, boundary) = request.header("content-type").split_once("boundary=").unwrap();
    let mark = format!("--{boundary}");
    let (mut files, mut rest): (Vec<(String, Vec<u8>)>, _) = (Vec::new(), &request.bytes[..]);
    let mut is_head = false;
    while !rest.is_empty() {
        let mut line = Vec::new();
        rest.read_until(b'\n', &mut line).unwrap();
        let text = String::from_utf8_lossy(&line[..line.len().min(200)]);
        if line.starts_with(mark.as_bytes()) {
            files.iter_mut().last().into_iter().for_each(|(_, bytes)| {
                bytes.truncate(bytes.len() - 2);
            });
            is_head = true;
        } else if let (true, Some((_, name))) = (is_head, text.split_once("filename=\"")) {
            files.push((name[..40].to_owned(), Vec::new()));
        } else if is_head {
            is_head = line != b"\r\n";
        } else {
            files.last_mut().unwrap().1.extend(line);
        }
    }
    assert!(request.bytes.ends_with(format!("{mark}--\r\n").as_bytes()));
    files
}

pub(crate) fn sha1_hex(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The manifest of a bundle, which is found as a reader of ZIP archives finds it: from the end.
fn manifest(bytes: &[u8]) -> Option<Value> {
    let number = |at: usize, size: usize| {
        let bytes = bytes.get(at..at + size)?;
        Some(bytes.iter().rev().fold(0, |all, byte| all << 8 | usize::from(*byte)))
    };
    bytes.starts_with(b"SYSB\x02\0\0\0").then_some(())?;
    let end = (0..=bytes.len().checked_sub(22)?)
        .rev()
        .find(|at| bytes[*at..].starts_with(b"PK\x05\x06"))?;
    (end + 22 + number(end + 20, 2)? == bytes.len()).then_some(())?;
    let (mut entry, count) = (number(end + 16, 4)?, number(end + 10, 2)?);
    for _ in 0..count {
        bytes[entry..].starts_with(b"PK\x01\x02").then_some(())?;
        let (length, offset) = (number(entry + 28, 2)?, number(entry + 42, 4)?);
        if &bytes[entry + 46..entry + 46 + length] == b"manifest.json" {
            let start = offset + 30 + number(offset + 26, 2)? + number(offset + 28, 2)?;
            let packed = &bytes[start..start + number(entry + 20, 4)?];
            let mut text = String::new();
            match number(entry + 10, 2)? {
                0 => text = String::from_utf8(packed.to_vec()).ok()?,
                _ => drop(DeflateDecoder::new(packed).read_to_string(&mut text).ok()?),
            }
            return serde_json::from_str(&text).ok();
        }
        entry += 46 + length + number(entry + 30, 2)? + number(entry + 32, 2)?;
    }
    None
}

/// That Sentry at work.
pub(crate) struct ChunkSentry {
    pub(crate) peer: HttpServer,
    data: Arc<Mutex<ChunkData>>,
}

impl ChunkSentry {
    pub(crate) fn new(options: ChunkOptions) -> Self {
        Self::with(options, ChunkData::answer)
    }

    /// One that answers as `answer` says.
    pub(crate) fn with(
        options: ChunkOptions,
        answer: impl Fn(&mut ChunkData, &Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        let data = Arc::new(Mutex::new(ChunkData { options, ..ChunkData::default() }));
        let server_data = Arc::clone(&data);
        let peer =
            HttpServer::new(move |request| answer(&mut server_data.lock().unwrap(), request));
        Self { peer, data }
    }

    pub(crate) fn data(&self) -> MutexGuard<'_, ChunkData> {
        self.data.lock().unwrap()
    }
}
