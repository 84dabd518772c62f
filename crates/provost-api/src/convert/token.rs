//! Tokens.

use provost_model::Token;

use crate::wire::*;

/// A token, without its hash: nobody has to see that.
pub(crate) fn token_item(token: &Token) -> TokenItem {
    TokenItem {
        name: token.name.to_string(),
        scope: scope(token.scope),
        automations: token.automations.clone(),
        events: token.events.clone(),
        until: token.until,
        by: token.by.clone(),
        made_at: token.made_at,
    }
}

/// What a token may do.
pub(crate) fn scope(scope: provost_model::TokenScope) -> TokenScope {
    match scope {
        provost_model::TokenScope::View => TokenScope::View,
        provost_model::TokenScope::Run => TokenScope::Run,
        provost_model::TokenScope::Admin => TokenScope::Admin,
    }
}

/// The same, the other way round.
pub(crate) fn model_scope(scope: TokenScope) -> provost_model::TokenScope {
    match scope {
        TokenScope::View => provost_model::TokenScope::View,
        TokenScope::Run => provost_model::TokenScope::Run,
        TokenScope::Admin => provost_model::TokenScope::Admin,
    }
}
