//! `serve` before a browser: who may read, who may set something up, and what the pages show of
//! foreign text and of secrets.

use crate::support::serve::{ServeProcess, ServeResponse, TOKEN};
use crate::support::watched_process;
use serde_json::json;

const FORM: &str = "application/x-www-form-urlencoded";
const INTEGRATIONS: &str = "/settings/acme/integrations/";
const RELEASES: &str = "/organizations/acme/releases/";
pub(crate) const EXAMPLE: &str = "/organizations/acme/integrations/example/setup/";

/// A browser with its cookies.
pub(crate) struct Browser<'a> {
    serve: &'a ServeProcess,
    pub(crate) cookies: Vec<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(serve: &'a ServeProcess) -> Self {
        Self { serve, cookies: Vec::new() }
    }

    /// One that is signed in by this token.
    pub(crate) fn of(serve: &'a ServeProcess, token: &str) -> Self {
        let mut browser = Self::new(serve);
        let answer = browser.sign_in(token, "/");
        assert_eq!((answer.status, answer.header("location")), (302, "/"), "{}", answer.text);
        browser
    }

    /// Whether it has a session's cookie.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.cookies.iter().any(|cookie| cookie.starts_with("finishline-"))
    }

    pub(crate) fn sign_in(&mut self, token: &str, next: &str) -> ServeResponse {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("next", next)
            .finish();
        self.send("POST", "/auth/login/", &form)
    }

    pub(crate) fn get(&mut self, path: &str) -> ServeResponse {
        self.send("GET", path, "")
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: &str) -> ServeResponse {
        let headers = [("Cookie", self.cookies.join("; ")), ("Content-Type", FORM.to_owned())];
        let answer = self.serve.send(method, path, &headers, body);
        for (_, set) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = set.split(';').next().unwrap().to_owned();
            let name = pair.split('=').next().unwrap().to_owned();
            self.cookies.retain(|kept| !kept.starts_with(&format!("{name}=")));
            self.cookies.push(pair);
        }
        answer
    }

    /// Sends a form of the page, with what the page put into it.
    pub(crate) fn submit(
        &mut self,
        page: &ServeResponse,
        path: &str,
        fields: &str,
    ) -> ServeResponse {
        let key = hidden(page, "form-key").unwrap_or_default();
        let step = hidden(page, "form-step").unwrap_or_default();
        let id = hidden(page, "form-id").map(|id| format!("form-id={id}&")).unwrap_or_default();
        self.send("POST", path, &format!("form-key={key}&form-step={step}&{id}{fields}"))
    }
}

/// What the page's form brings in this hidden field: where it came from, and which step it answers.
pub(crate) fn hidden<'a>(page: &'a ServeResponse, name: &str) -> Option<&'a str> {
    let (_, rest) = page.text.rsplit_once(&format!("name=\"{name}\" value=\""))?;
    rest.split('"').next()
}

pub(crate) fn installed(serve: &ServeProcess) -> usize {
    let listed = serve.get("/api/0/organizations/acme/integrations/").expect(200);
    listed.as_array().unwrap().len()
}

/// Installs an integration as somebody with a token.
fn install(serve: &ServeProcess, provider: &str, form: &str) {
    let mut browser = Browser::of(serve, TOKEN);
    let set_up = EXAMPLE.replace("example", provider);
    let page = browser.get(&set_up);
    let done = browser.submit(&page, &set_up, form);
    assert!(done.text.contains("is set up"), "{}", done.text);
}

#[test]
fn a_browser_of_this_machine_reads_without_signing_in_and_sets_nothing_up() {
    let serve = ServeProcess::start();
    let mut browser = Browser::new(&serve);
    for path in ["/", INTEGRATIONS, RELEASES] {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains("Sign in") && !page.text.contains("form-key"), "{path}");
    }
    let away = browser.get(EXAMPLE);
    assert_eq!((away.status, installed(&serve)), (302, 0));
    assert!(away.header("location").starts_with("/auth/login/acme/?next="));
    assert_eq!(browser.get("/api/0/organizations/").status, 401, "the API asks for a token");
}

#[test]
fn a_strangers_name_that_points_here_reads_nothing() {
    let serve = ServeProcess::start();
    let port = serve.address.rsplit_once(':').unwrap().1.to_owned();
    let at = |host: String| {
        let head =
            format!("GET {INTEGRATIONS} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let mut stream = watched_process::connect(&serve.address);
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
        text.split(' ').nth(1).unwrap().to_owned()
    };
    for (host, status) in [
        (serve.address.clone(), "200"),
        (format!("localhost:{port}"), "200"),
        (format!("[::1]:{port}"), "200"),
        (format!("evil.test:{port}"), "302"),
        (format!("localhost.evil.test:{port}"), "302"),
        (format!("127.0.0.1@evil.test:{port}"), "400"),
        (String::new(), "302"),
    ] {
        assert_eq!(at(host.clone()), status, "{host}");
    }
}

#[test]
fn where_other_machines_reach_it_nothing_is_read_without_signing_in() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--org", "acme", "--listen", "0.0.0.0:0"];
    let mut serve = ServeProcess::over(folder, &arguments, Some(TOKEN));
    serve.address = serve.address.replace("0.0.0.0", "127.0.0.1");
    let mut browser = Browser::new(&serve);
    for path in ["/", INTEGRATIONS, RELEASES] {
        let away = browser.get(path);
        assert!(away.header("location").starts_with("/auth/login/?next="), "{path}");
    }
    assert_eq!(Browser::of(&serve, TOKEN).get(INTEGRATIONS).status, 200);
}

#[test]
fn a_token_signs_in_when_it_is_good_for_setting_things_up() {
    let serve = ServeProcess::start();
    let reads = serve.token("owner", "org:read project:releases");
    for token in ["", "wrong", &reads, &serve.org_token()] {
        let mut browser = Browser::new(&serve);
        let refused = browser.sign_in(token, "/");
        assert_eq!(refused.status, 403, "{token}");
        assert!(browser.cookies.is_empty() && refused.text.contains("role=\"alert\""));
    }
    let mut browser = Browser::new(&serve);
    let answer = browser.sign_in(TOKEN, "/settings/acme/integrations/");
    assert_eq!(answer.header("location"), INTEGRATIONS);
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; Path=/; SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains(TOKEN), "the token is not the session");
    let page = browser.get("/auth/login/");
    let again = browser.submit(&page, "/auth/login/", &format!("token={TOKEN}&next=%2F"));
    assert_eq!((again.status, again.header("location")), (302, "/"), "as somebody else, say");
    let mut elsewhere = Browser::new(&serve);
    assert_eq!(elsewhere.sign_in(TOKEN, "//evil.test/").header("location"), "/");
}

#[test]
fn signing_out_ends_the_session() {
    let serve = ServeProcess::start();
    let mut browser = Browser::of(&serve, TOKEN);
    let kept = browser.cookies.clone();
    let page = browser.get("/");
    assert_eq!(browser.send("POST", "/auth/logout/", "").status, 403, "the form is ours alone");
    assert_eq!(browser.submit(&page, "/auth/logout/", "").status, 302);
    browser.cookies = kept;
    assert_eq!(browser.get(EXAMPLE).status, 302, "the cookie opens nothing any more");
}

#[test]
fn a_form_that_is_not_from_our_page_sets_nothing_up() {
    let serve = ServeProcess::start();
    let mut browser = Browser::of(&serve, TOKEN);
    let page = browser.get(EXAMPLE);
    assert_eq!(page.status, 200);
    for forged in ["name=demo", "form-key=&name=demo", "form-key=0123&name=demo&form-step=1"] {
        let answer = browser.send("POST", EXAMPLE, forged);
        assert_eq!((answer.status, installed(&serve)), (403, 0), "{forged}");
    }
    let other = Browser::of(&serve, TOKEN).get(EXAMPLE);
    assert_ne!(hidden(&other, "form-key"), hidden(&page, "form-key"), "each session has its own");
    let done = browser.submit(&page, EXAMPLE, "name=demo");
    assert_eq!((done.status, installed(&serve)), (200, 1));
    assert!(done.text.contains(&format!("{}{INTEGRATIONS}example/1/", serve.url())));
}

#[test]
fn a_link_sets_nothing_up_before_the_person_clicks() {
    let serve = ServeProcess::start();
    let mut browser = Browser::of(&serve, TOKEN);
    let link = "/extensions/example/configure/?name=from-a-link";
    let page = browser.get(link);
    assert_eq!((page.status, page.header("set-cookie"), installed(&serve)), (200, "", 0));
    assert!(
        page.text.contains(&format!("action=\"{link}\"")) && !page.text.contains("data-submit")
    );
    let first = browser.get(EXAMPLE);
    browser.submit(&first, EXAMPLE, "name=");
    let straight = browser.get("/extensions/example/setup/?name=from-a-link");
    assert_eq!((straight.status, installed(&serve)), (200, 0));
    assert!(!straight.text.contains("data-submit"), "only a click submits it");
    let done = browser.submit(&page, link, "");
    assert_eq!((done.status, installed(&serve)), (302, 1));
    assert!(done.header("location").ends_with("/settings/acme/integrations/example/1/"));
}

#[test]
fn who_is_not_a_member_sees_nothing_and_a_member_sets_nothing_up() {
    let serve = ServeProcess::start();
    let (stranger, member) =
        (serve.token("", "org:admin"), serve.token("member", "org:read org:admin"));
    let mut browser = Browser::of(&serve, &stranger);
    assert!(!browser.get("/").text.contains("href=\"/settings/acme"));
    assert_eq!([browser.get(INTEGRATIONS).status, browser.get(RELEASES).status], [403; 2]);
    assert_eq!(browser.get(EXAMPLE).status, 403);
    let mut browser = Browser::of(&serve, &member);
    assert_eq!([browser.get(INTEGRATIONS).status, browser.get(RELEASES).status], [200; 2]);
    assert_eq!(browser.get(EXAMPLE).status, 403);
}

#[test]
fn a_settings_page_hides_secrets_and_shows_who_did_what() {
    let serve = ServeProcess::start();
    let form = "base_url=https%3A%2F%2Fapi.opsgenie.com%2F&provider=acme-ops&api_key=k3y-s3cr3t";
    install(&serve, "opsgenie", form);
    let mut browser = Browser::new(&serve);
    let page = browser.get(&format!("{INTEGRATIONS}opsgenie/1/"));
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("s3cr3t"), "{}", page.text);
    for seen in ["acme-ops", "Active", "hidden", "Installed", "by local", "my-first-key"] {
        assert!(page.text.contains(seen), "{seen}: {}", page.text);
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-frame-options", "deny"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.header(name), value);
    }
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; "));
    assert!(!page.header("content-security-policy").contains("unsafe"));
}

#[test]
fn an_integration_is_shown_at_its_own_address_only() {
    let serve = ServeProcess::start();
    install(&serve, "example", "name=demo");
    let mut browser = Browser::new(&serve);
    for (path, status) in [
        ("/settings/acme/integrations/example/1/", 200),
        ("/settings/acme/integrations/gitlab/1/", 404),
        ("/settings/acme/integrations/example/2/", 404),
        ("/settings/acme/integrations/example/x/", 404),
        ("/settings/acme/integrations/%3Cb%3E/1/", 404),
        ("/settings/nobody/integrations/example/1/", 404),
        ("/settings/%2e%2e/integrations/example/1/", 404),
        ("/settings/%3Cscript%3E/integrations/", 404),
        ("/organizations/acme/releases/%FF/", 404),
        ("/nowhere/", 404),
    ] {
        let page = browser.get(path);
        assert_eq!(page.status, status, "{path}");
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert!(!page.text.contains("<b>") && !page.text.contains("<script>"), "{path}");
    }
}

#[test]
fn next_is_a_link_to_the_web_or_a_text() {
    let serve = ServeProcess::start();
    install(&serve, "example", "name=demo");
    let mut browser = Browser::new(&serve);
    for (next, link) in [
        ("https://example.com:8443/a?b=c&d", Some("https://example.com:8443/a?b=c&amp;d")),
        ("https://sentry.io@evil.test/", Some("https://sentry.io@evil.test/")),
        ("javascript:alert(1)", None),
        ("\"><script>alert(1)</script>", None),
        ("/settings/", None),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = browser.get(&format!("{INTEGRATIONS}example/1/?next={query}"));
        assert_eq!((page.status, page.header("location")), (200, ""), "never followed by itself");
        let aside = page.text.split_once("<aside").unwrap().1.split("</aside>").next().unwrap();
        let href = aside.split_once("href=\"").and_then(|(_, rest)| rest.split('"').next());
        assert_eq!(href, link, "{next}");
        assert!(!page.text.contains("<script>"), "{next}");
    }
}

#[test]
fn thousands_of_releases_are_searched_and_turned_over() {
    let serve = ServeProcess::start();
    let sql = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2499)
               INSERT INTO release (organization_id, version, created_at)
               SELECT id, 'web@1.' || i, i FROM n, organization WHERE slug = 'acme'";
    serve.database().execute(sql, []).unwrap();
    let mut browser = Browser::new(&serve);
    let mut versions = |query: &str| {
        let page = browser.get(&format!("{RELEASES}{query}"));
        assert_eq!(page.status, 200, "{query}");
        let rows = page.text.split("<bdi>web@").skip(1);
        let rows: Vec<_> = rows.map(|row| row.split('<').next().unwrap().to_owned()).collect();
        (rows.len(), rows.first().cloned().unwrap_or_default())
    };
    assert_eq!(versions(""), (50, "1.2499".to_owned()));
    assert_eq!(versions("?page=2"), (50, "1.2449".to_owned()));
    assert_eq!(versions("?page=50"), (50, "1.49".to_owned()));
    assert_eq!(versions("?page=51"), (0, String::new()));
    assert_eq!(versions("?query=WEB%401.2499"), (1, "1.2499".to_owned()));
    assert_eq!(versions("?query=%3Cb%3E"), (0, String::new()));
    for odd in ["?page=0", "?page=-1", "?page=x", "?page=99999999999999999999"] {
        assert_eq!(versions(odd).1, "1.2499", "{odd}");
    }
    assert_eq!(versions("?page=9223372036854775807").0, 0);
}

#[test]
fn a_release_shows_its_commits_files_and_deploys_as_text() {
    let serve = ServeProcess::start();
    let commit = |number: usize| {
        json!({ "id": format!("{number:040x}"), "repository": "acme/<web>",
                "message": format!("<img src=x> {number}\nmore"), "author_name": "<b>Ada",
                "author_email": "a@example.test", "timestamp": "2026-11-26T10:00:00Z",
                "patch_set": [{ "path": format!("src/<i>{number}"), "type": "A" }] })
    };
    let commits: Vec<_> = (0..60).map(commit).collect();
    let version = "<script>alert(1)";
    let body = json!({ "version": version, "projects": ["web"], "commits": commits });
    serve.request("POST", "/api/0/organizations/acme/releases/", body).expect(201);
    let path = format!("{RELEASES}%3Cscript%3Ealert%281%29/");
    let deploy = json!({ "environment": "<u>prod", "url": "https://ci.example.com/1" });
    let deploys = format!("/api/0{path}deploys/");
    serve.request("POST", &deploys, deploy).expect(201);
    let mut browser = Browser::new(&serve);
    let page = browser.get(&path);
    assert_eq!(page.status, 200);
    for seen in
        ["60 commits", "&lt;img src=x&gt; 0", "src/&lt;i&gt;0", "&lt;u&gt;prod", "&lt;b&gt;Ada"]
    {
        assert!(page.text.contains(seen), "{seen}: {}", page.text);
    }
    for hostile in ["<script>alert", "<img src=x>", "<u>prod", "href=\"javascript"] {
        assert!(!page.text.contains(hostile), "{hostile}");
    }
    assert!(page.text.contains("href=\"https://ci.example.com/1\" rel=\"noopener noreferrer\""));
    let second = browser.get(&format!("{path}?commits=2"));
    assert!(second.text.contains("&lt;img src=x&gt; 59") && second.text.contains("src/&lt;i&gt;0"));
}

#[test]
fn a_callback_that_nothing_here_waits_for_keeps_its_address() {
    let serve = ServeProcess::start();
    let mut browser = Browser::new(&serve);
    let page = browser.get("/extensions/gitlab/setup/?code=c%3Cb%3E&state=s");
    assert_eq!(page.status, 200);
    let address = format!("{}/extensions/gitlab/setup/?code=c%3Cb%3E&amp;state=s", serve.url());
    assert!(page.text.contains(&address), "{}", page.text);
    let nothing = browser.get("/extensions/gitlab/setup/");
    assert_eq!((nothing.status, nothing.header("location")), (302, "/"));
}

#[test]
fn a_provider_that_only_a_sentry_finishes_says_so_in_the_words_of_the_command_line() {
    let serve = ServeProcess::start();
    let mut browser = Browser::of(&serve, TOKEN);
    let page = browser.get(&EXAMPLE.replace("example", "msteams"));
    let run =
        crate::support::run::ProgramRun::local().embedded("msteams", "{}").execute().expect(4);
    let said = run.stderr.lines().find_map(|line| line.strip_prefix("error: ")).unwrap();
    let shown = page.text.split_once("<pre>").unwrap().1.split("</pre>").next().unwrap();
    assert_eq!(shown.replace("&#39;", "'").replace("&quot;", "\""), said);
    assert!(
        page.text.contains("Set it up on a Sentry server.") && !page.text.contains("needs-sentry")
    );
}
