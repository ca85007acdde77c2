//! Discord: OAuth 2 with an app of one's own, which the person adds to a server of theirs.
//!
//! Sentry also registers the bot's slash commands; there is nobody here who would answer them.

use super::auth::app::{self, AppSettings};
use super::auth::oauth2::{self, OAUTH_DATA, OAuth2};
use super::fields::step::Step;
use super::request::{Credentials, VendorRequest, VendorResponse};
use super::{Answers, Field, FieldKind, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{
    IntegrationData, ListedIntegration, Object, Refusal, RefusalKind, UserIdentity,
};
use crate::secret::Secret;
use crate::text::url;
use serde_json::{Value, json};

const SCOPE: &str = "applications.commands bot identify guilds";
/// To see channels, send messages and embed links.
const PERMISSIONS: u64 = 1 << 10 | 1 << 11 | 1 << 14;
/// A member needs one of these to add a bot: administrator, or manage server.
const MAY_ADD: u64 = 1 << 3 | 1 << 5;
const GUILD_ID: &str = "guild_id";
const USER: &str = "user";
const GUILDS: &str = "guilds";
const GUILD: &str = "guild";

pub(super) struct Discord;

static STEPS: [Step; 1] = [Step::page(
    "oauth_login",
    "oauthUrl",
    &[
        oauth2::CODE_FIELD,
        oauth2::STATE_FIELD,
        Field::required("guildId", FieldKind::Text(32), "the id of the server", "1234567890")
            .by_callback("guild_id"),
    ],
)];

static APP: [Field; 4] = [
    app::CLIENT_ID,
    app::client_secret("${DISCORD_CLIENT_SECRET}"),
    Field::required(
        "botToken",
        FieldKind::Text(4096),
        "the token of its bot",
        "${DISCORD_BOT_TOKEN}",
    )
    .secret(),
    app::URL,
];

impl Provider for Discord {
    fn key(&self) -> &'static str {
        "discord"
    }

    fn name(&self) -> &'static str {
        "Discord"
    }

    fn summary(&self) -> &'static str {
        "waits once for a person who approves in a browser"
    }

    fn features(&self) -> &'static [&'static str] {
        &["alert-rule", "chat-unfurl"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn app(&self) -> &'static [Field] {
        &APP
    }

    fn step_data(&self, _step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        let mut data = app(state).view(state, fresh);
        if let Some(Value::String(url)) = data.get_mut("oauthUrl") {
            url.push_str(&format!("&permissions={PERMISSIONS}"));
        }
        data
    }

    fn bind_answer(&self, _step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        oauth2::bind_callback(fields, state, &[USER, GUILDS, GUILD])?;
        state.bind(GUILD_ID, fields.text("guildId"));
        numeric(fields.text("guildId"))
    }

    fn next_request(&self, _step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        let id = state.text(GUILD_ID).unwrap_or_default();
        numeric(id)?;
        if let Some(exchange) = app(state).exchange(state)? {
            return Ok(Some(exchange));
        }
        let api = format!("{}/api/v10", base(state));
        let token = || Credentials::Bearer(oauth2::access_token(state));
        let bot = Secret::from(format!("Bot {}", AppSettings::of(state).text("botToken")));
        let lacks = |name| state.fetch(name).is_none();
        Ok(match () {
            () if lacks(USER) => {
                Some(VendorRequest::get(USER, format!("{api}/users/@me"), token()))
            }
            () if lacks(GUILDS) => {
                Some(VendorRequest::get(GUILDS, format!("{api}/users/@me/guilds"), token()))
            }
            () if lacks(GUILD) => {
                let url = format!("{api}/guilds/{}", url::segment(id));
                Some(VendorRequest::get(
                    GUILD,
                    url,
                    Credentials::Headers(vec![("Authorization", bot)]),
                ))
            }
            () => None,
        })
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        match name {
            OAUTH_DATA => return oauth2::bind_tokens(reply, state),
            USER => state.bind(USER, reply.json("Discord's user", RefusalKind::Failure)?),
            GUILDS => {
                let guilds = reply.json("the user's Discord servers", RefusalKind::Failure)?;
                may_add(&guilds, state.text(GUILD_ID).unwrap_or_default())?;
                state.bind(GUILDS, true);
            }
            // Its name is good to know, and its lack no reason to refuse.
            _ => {
                let guild = reply.json("the Discord server", RefusalKind::Failure);
                state.bind(GUILD, guild.unwrap_or_default()["name"].clone());
            }
        }
        Ok(())
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        match answers.text("guildId") {
            "" => IntegrationMatch::CannotTell,
            id if listed.external_id == id => IntegrationMatch::Same,
            _ => IntegrationMatch::Other,
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let id = state.text(GUILD_ID).unwrap_or_default();
        numeric(id)?;
        let user = state.fetch(USER).and_then(|user| user["id"].as_str());
        let user = user.ok_or_else(|| Refusal::failure("Discord's user has no id"))?;
        let identity = UserIdentity {
            kind: "discord",
            external_id: user.to_owned(),
            scopes: Vec::new(),
            data: Object::new(),
        };
        Ok(IntegrationData {
            name: Some(state.text(GUILD).unwrap_or(id).to_owned()),
            user_identity: Some(identity),
            ..IntegrationData::new(id)
        })
    }
}

fn base(state: &State) -> &str {
    AppSettings::of(state).base_url_or("https://discord.com")
}

fn app(state: &State) -> OAuth2 {
    let base = base(state);
    let authorize = format!("{base}/api/oauth2/authorize");
    OAuth2::of_app(state, authorize, format!("{base}/api/v10/oauth2/token"), SCOPE)
}

fn numeric(guild_id: &str) -> Result<(), Refusal> {
    match !guild_id.is_empty() && guild_id.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(()),
        false => Err(Refusal::failure("the id of the Discord server is not a number")),
    }
}

/// Whether the person may add a bot to this server. Their rights are a number in a text.
fn may_add(guilds: &Value, id: &str) -> Result<(), Refusal> {
    let own = guilds.as_array().into_iter().flatten().find(|guild| guild["id"] == json!(id));
    let rights = own.and_then(|guild| guild["permissions"].as_str()?.parse::<u64>().ok());
    match rights {
        Some(rights) if rights & MAY_ADD != 0 => Ok(()),
        _ => Err(Refusal::failure("the user may not add a bot to this Discord server")),
    }
}
