//! Numbers and lists of a client, as large as they can be: refused in words or taken, never a panic
//! and never long.

use crate::support::serve::ServeProcess;
use serde_json::{Value, json};

const ACME: &str = "/api/0/organizations/acme/";
const MAX: &str = "9223372036854775807";

/// A server with the release `v` of the project `web`.
fn start() -> ServeProcess {
    let serve = ServeProcess::start();
    let release = json!({ "version": "v", "projects": ["web"] });
    serve.request("POST", &format!("{ACME}releases/"), release).expect(201);
    serve
}

#[test]
fn the_largest_numbers_of_a_page_break_no_listing() {
    let serve = start();
    let of_acme = [
        "releases/",
        "releases/v/deploys/",
        "releases/v/commits/",
        "releases/v/commitfiles/",
        "projects/",
        "repos/",
        "integrations/",
        "code-mappings/",
    ];
    let listings = of_acme.map(|path| format!("{ACME}{path}"));
    let queries = [
        format!("cursor={MAX}:{MAX}:1"),
        format!("cursor=0:{MAX}:0"),
        format!("cursor={MAX}:0:0"),
        format!("cursor=0:-{MAX}:0"),
        "per_page=1&cursor=0:-9223372036854775808:0".to_owned(),
        format!("per_page=1&cursor=-{MAX}:-{MAX}:0"),
        "cursor=-1:0:0".to_owned(),
        "cursor=9223372036854775808:1:0".to_owned(),
        format!("per_page={MAX}"),
        format!("per_page=-{MAX}"),
    ];
    for listing in listings.iter().map(String::as_str).chain(["/api/0/organizations/"]) {
        for query in &queries {
            let answer = serve.get(&format!("{listing}?{query}"));
            assert!([200, 400].contains(&answer.status), "{listing}?{query}: {}", answer.text);
        }
    }
    for page in [MAX, "-9223372036854775808"] {
        let answer = serve.get(&format!("/organizations/acme/releases/?page={page}"));
        assert_eq!(answer.status, 200, "{page}");
    }
}

#[test]
fn no_date_and_no_id_of_a_client_breaks_anything() {
    let serve = start();
    let release = format!("{ACME}releases/v/");
    for date in [
        "+262142-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999-23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-11-19T10:00:00+1é2",
    ] {
        let body = json!({ "environment": "e", "dateStarted": date, "dateFinished": date });
        let answer = serve.request("POST", &format!("{release}deploys/"), body);
        assert!([201, 400].contains(&answer.status), "{date}: {}", answer.text);
        let commit = json!({ "id": "a", "timestamp": date });
        let body = json!({ "dateReleased": date, "commits": [commit] });
        let answer = serve.request("PUT", &release, body);
        assert!([200, 400].contains(&answer.status), "{date}: {}", answer.text);
        serve.get(&release).expect(200);
        serve.get(&format!("{release}deploys/")).expect(200);
    }
    for id in [MAX, "-9223372036854775808", "9223372036854775808"] {
        for path in ["code-mappings/", "integrations/", "repos/"] {
            let answer = serve.get(&format!("{ACME}{path}{id}/"));
            assert!([404, 405].contains(&answer.status), "{path}{id}: {}", answer.text);
        }
        assert_eq!(serve.get(&format!("{ACME}releases/?project={id}")).status / 100, 4);
    }
}

#[test]
fn a_list_that_says_the_same_again_is_the_same_and_a_longer_one_is_refused() {
    let serve = start();
    let releases = format!("{ACME}releases/");
    let body = json!({ "version": "same", "projects": vec!["web"; 90_000] });
    serve.request("POST", &releases, body).expect(201);
    let names = |count: usize| (0..count).map(|index| format!("p{index}")).collect::<Vec<_>>();
    let refs = |key: &str| -> Vec<Value> {
        let item = |name: String| json!({ "repository": name, (key): "a" });
        names(2_001).into_iter().map(item).collect()
    };
    let commits: Vec<_> = names(30_001).into_iter().map(|id| json!({ "id": id })).collect();
    let of_one = |name: String| json!({ "id": "c", "repository": name });
    let of_many: Vec<_> = names(1_001).into_iter().map(of_one).collect();
    let files = |index: usize| json!({ "path": format!("f{index}"), "type": "A" });
    let files: Vec<_> = (0..60_001).map(files).collect();
    let commit = json!({ "id": "c", "patch_set": files });
    let release = format!("{releases}v/");
    for (method, path, field, value) in [
        ("POST", releases.clone(), "projects", json!(names(2_001))),
        ("POST", format!("{release}deploys/"), "projects", json!(names(2_001))),
        ("PUT", release.clone(), "refs", json!(refs("commit"))),
        ("PUT", release.clone(), "headCommits", json!(refs("currentId"))),
        ("PUT", release.clone(), "commits", json!(commits)),
        ("PUT", release.clone(), "commits", json!(of_many)),
        ("PUT", release.clone(), "commits", json!([commit])),
    ] {
        let mut body = json!({ "version": "w", "environment": "e" });
        body[field] = value;
        let refused = serve.request(method, &path, body).expect(400);
        let words = refused.to_string();
        assert!(words.contains(field) && words.contains("no more than"), "{words}");
    }
}
