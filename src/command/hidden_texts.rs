//! What of the inputs is hidden in whatever is printed, and what is shown although it looks like it.

use crate::env::Env;
use crate::inputs::Inputs;
use crate::inputs::types::BackendName;
use crate::integration::IntegrationTask;
use crate::provider;
use percent_encoding::percent_decode_str;
use url::Url;

/// Every secret that the inputs have, whatever is done with it.
pub(super) fn given_secrets(inputs: &Inputs) -> Vec<String> {
    given_field_secrets(inputs).into_iter().chain(inputs.secret_texts()).collect()
}

/// The passwords of the proxies that the environment names: a proxy may repeat what it was sent.
pub(super) fn proxy_passwords(env: &Env) -> Vec<String> {
    let names = ["http_proxy", "https_proxy", "all_proxy"];
    let names = names.into_iter().flat_map(|name| [name.to_owned(), name.to_uppercase()]);
    let password = |name: String| {
        let url = Url::parse(env.get(&name)?.trim()).ok()?;
        let typed = url.password()?.to_owned();
        let plain = percent_decode_str(&typed).decode_utf8_lossy().into_owned();
        Some([typed, plain])
    };
    names.filter_map(password).flatten().collect()
}

/// The secrets of the provider's fields and of its app.
pub(super) fn given_field_secrets(inputs: &Inputs) -> Vec<String> {
    let known = inputs.provider.as_deref().and_then(|key| provider::find(key).ok());
    let provider = known.unwrap_or_else(provider::undescribed);
    let given = provider::given_secrets(provider, &inputs.state, &inputs.apps);
    // What a field of many values holds, and a provider that is not described.
    let task = IntegrationTask::new(inputs, BackendName::Sentry).ok();
    let of_task = task.map(|task| task.secrets()).unwrap_or_default();
    given.into_iter().chain(of_task).collect()
}

/// What is shown of the inputs although a secret may be like it.
pub(super) fn public_texts(inputs: &Inputs) -> Vec<String> {
    let org = inputs.org.as_ref().map(ToString::to_string);
    let url = inputs.url.as_ref().map(ToString::to_string);
    org.into_iter().chain(url).chain(inputs.provider.clone()).collect()
}
