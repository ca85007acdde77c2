//! Discord: OAuth 2 with an app of one's own, which the person adds to a server of theirs.
//!
//! Sentry also registers the bot's slash commands; there is nobody here who would answer them.

use super::auth::app::{self, AppSettings};
use super::auth::oauth2::{self, OAUTH_DATA, OAuth2};
use super::evidence::ProviderEvidence;
use super::request::{Credentials, VendorRequest, VendorResponse};
use super::{
    Answers, Field, FreshValues, IntegrationMatch, ListingFilter, Provider, ProviderDescription,
    Result, Step,
};
use crate::model::{
    Fields, IntegrationData, ListedIntegration, Object, Refusal, State, UserIdentity,
};
use crate::secret::Secret;
use serde_json::Value;

/// Sentry's scopes, and `guilds`, by which we look whether the person may add a bot.
const SCOPE: &str = "applications.commands bot guilds guilds.members.read identify";
/// To see channels, send messages and embed links.
const CHANNELS: u64 = 1 << 10 | 1 << 11 | 1 << 14;
/// To create public and private threads, and send messages in threads.
const THREADS: u64 = 1 << 35 | 1 << 36 | 1 << 38;
/// A member needs one of these to add a bot: administrator, or manage server.
const MAY_ADD: u64 = 1 << 3 | 1 << 5;
const GUILD_ID: &str = "guild_id";
const USER: &str = "user";
const GUILDS: &str = "guilds";
const GUILD: &str = "guild";

pub(super) struct Discord;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Discord",
    guide: "notification-incidents/discord/",
    summary: "needs a person to approve once in a browser",
    features: &["alert-rule", "chat-unfurl"],
    steps: &[Step::page(
        "oauth_login",
        "oauthUrl",
        &[
            oauth2::CODE_FIELD,
            oauth2::STATE_FIELD,
            Field::text("guildId", 32)
                .help("the id of the server", "1234567890")
                .by_callback("guild_id"),
        ],
    )],
    app: &[
        app::CLIENT_ID,
        app::client_secret("${DISCORD_CLIENT_SECRET}"),
        Field::text("botToken", 4096)
            .help("the token of the app's bot", "${DISCORD_BOT_TOKEN}")
            .secret(),
        app::URL,
    ],
    evidence: ProviderEvidence::CODE,
    ..ProviderDescription::new("discord")
};

impl Provider for Discord {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, _: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        let mut data = oauth(state).step_data(state, fresh);
        if let Some(Value::String(url)) = data.get_mut("oauthUrl") {
            url.push_str(&format!("&permissions={}", CHANNELS | THREADS));
        }
        data
    }

    fn bind_answer(&self, _: &Step, fields: &Fields, state: &mut State) -> Result {
        oauth2::bind_callback(fields, state, &[USER, GUILDS, GUILD])?;
        state.bind(GUILD_ID, fields.text("guildId"));
        guild_id(state).map(|_| ())
    }

    fn next_request(&self, _: &Step, state: &State) -> Result<Option<VendorRequest>> {
        let id = guild_id(state)?;
        let request = |name| {
            let (path, credentials) = match name {
                USER => ("users/@me".to_owned(), oauth2::credentials(state)),
                GUILDS => ("users/@me/guilds".to_owned(), oauth2::credentials(state)),
                _ => (format!("guilds/{id}"), bot_credentials(state)),
            };
            VendorRequest::get(name, format!("{}/api/v10/{path}", base_url(state)), credentials)
        };
        let missing = || [USER, GUILDS, GUILD].into_iter().find(|name| state.lacks(name));
        Ok(oauth(state).exchange(state)?.or_else(|| missing().map(request)))
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        match name {
            OAUTH_DATA => return oauth2::bind_tokens(response, state),
            USER => state.bind(USER, response.json("the Discord user")?),
            GUILDS => {
                let guilds = response.json("the user's Discord servers")?;
                check_may_add(&guilds, state.text(GUILD_ID).unwrap_or_default())?;
                state.bind(GUILDS, true);
            }
            // Its name is good to know, and its lack no reason to refuse.
            _ => {
                let guild = response.json("the Discord server").unwrap_or_default();
                state.bind(GUILD, guild["name"].clone());
            }
        }
        Ok(())
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        ListingFilter::by_external_id(answers.text("guildId"))
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        IntegrationMatch::by_external_id(answers.text("guildId"), listed)
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let id = guild_id(state)?;
        let user = state.fetch(USER).and_then(|user| user["id"].as_str());
        let external_id =
            user.ok_or_else(|| Refusal::failure("the Discord user has no id"))?.into();
        Ok(IntegrationData {
            name: Some(state.text(GUILD).unwrap_or(id).to_owned()),
            user_identity: Some(UserIdentity {
                kind: "discord",
                external_id,
                ..Default::default()
            }),
            ..IntegrationData::new(id)
        })
    }
}

fn base_url(state: &State) -> &str {
    AppSettings::of(state).base_url_or("https://discord.com")
}

fn oauth(state: &State) -> OAuth2 {
    let paths = ["/api/oauth2/authorize", "/api/v10/oauth2/token"];
    OAuth2::of_app(state, base_url(state), paths, SCOPE)
}

fn bot_credentials(state: &State) -> Credentials {
    let token = format!("Bot {}", AppSettings::of(state).text("botToken"));
    Credentials::Headers(vec![("Authorization", Secret::from(token))])
}

/// The id of the server, which is a number.
fn guild_id(state: &State) -> Result<&str> {
    let id = state.text(GUILD_ID).unwrap_or_default();
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(id);
    }
    Err(Refusal::failure("the id of the Discord server is not a number"))
}

/// Whether the person may add a bot to this server. Their rights are a number in a text.
fn check_may_add(guilds: &Value, id: &str) -> Result {
    let own = guilds.as_array().into_iter().flatten().find(|guild| guild["id"] == id);
    let rights = own.and_then(|guild| guild["permissions"].as_str()?.parse::<u64>().ok());
    match rights {
        Some(rights) if rights & MAY_ADD != 0 => Ok(()),
        _ => Err(Refusal::failure("the user is not allowed to add a bot to this Discord server")),
    }
}
