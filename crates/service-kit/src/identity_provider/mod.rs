//! Who issues tokens: its keys, kept up to date, and what its tokens say.
//!
//! [`Provider`] is what the layers ask. It answers at once from the keys that are there ([`keys`], [`token`], [`cache`]); a
//! task of its own ([`keeper`]) reads them from their file or URL ([`fetch`]). Keys that were good stay until better ones
//! come: an identity provider that is away must not lock everybody out.

mod asking;
mod cache;
mod fetch;
mod keeper;
mod keys;
mod reads;
mod token;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::access::Refusal;
use crate::clock::Clock;
use crate::diagnostics::Diagnostics;
use crate::exit::{Exit, ExitCode};
use crate::health::Health;
use crate::identity::Identity;
use crate::program::Process;
use crate::settings::{AuthMode, AuthSettings, Jwks, Settings};
use crate::telemetry::scoped;

use asking::Asking;
use cache::{Fingerprint, VerifiedTokens};
use fetch::{FetchError, origin};
use keeper::Remote;
pub(crate) use keys::KeySet;
use reads::Reads;
pub(crate) use token::{TokenRules, Verified};

/// What is known of the identity provider of a server.
pub(crate) struct Provider {
    rules: TokenRules,
    clock: Arc<dyn Clock>,
    keys: Arc<Keys>,
    verified: VerifiedTokens,
    /// Ends the keeper with the server.
    _keeper: DropGuard,
}

/// The keys in force, and how to ask for newer ones.
#[derive(Debug, Default)]
struct Keys {
    current: ArcSwapOption<Numbered>,
    asking: Asking,
}

/// Keys, and how many sets there were before: what was verified with others does not count.
#[derive(Debug)]
struct Numbered {
    number: u64,
    set: KeySet,
}

/// What a token comes to.
pub(crate) enum Verdict {
    Believed(Verified),
    Refused(Refusal),
    /// The key is not among ours: newer keys may have it. The number is that of ours.
    KeyUnknown(u64),
}

impl Provider {
    /// Reads the keys if they are in a file, has them fetched if they are not, and keeps them up to date from now on.
    ///
    /// A file that cannot be used is a mistake in the configuration: [`ExitCode::Configuration`]. A URL that does not answer is
    /// an outage: the server starts, and is not ready.
    pub(crate) fn start(
        process: &Process,
        health: &Health,
        diagnostics: &Diagnostics,
        identity: Identity,
    ) -> Result<Self, Exit> {
        let (rules, jwks) = rules(&process.settings.auth)?;
        let stop = CancellationToken::new();
        let until_stopped = stop.clone();
        let keys = match jwks {
            Jwks::File(path) => {
                let keys = Arc::new(Keys::default());
                let reads = Reads::new(identity, path.display().to_string(), diagnostics);
                keys.replace(keeper::read(path).map_err(|error| unusable(&error))?);
                reads.succeeded();
                let watch = keeper::watch_file(path.clone(), process.reload.clone(), Arc::clone(&keys), reads);
                tokio::spawn(scoped(identity, until_stopped.run_until_cancelled_owned(watch)));
                keys
            }
            Jwks::Url(url) => {
                let keys = Arc::new(Keys { asking: Asking::possible(), ..Keys::default() });
                let reads = Reads::new(identity, origin(url), diagnostics);
                let watch = keeper::watch_url(remote(url, process, health), Arc::clone(&keys), reads);
                tokio::spawn(scoped(identity, until_stopped.run_until_cancelled_owned(watch)));
                keys
            }
        };
        let (clock, verified) = (Arc::clone(&process.clock), VerifiedTokens::default());
        Ok(Self { rules, clock, keys, verified, _keeper: stop.drop_guard() })
    }

    /// Verifies a token with the keys that are there.
    pub(crate) fn verify(&self, token: &str) -> Verdict {
        let current = self.keys.current.load();
        let Some(keys) = current.as_deref() else { return Verdict::Refused(Refusal::NoKeys) };
        if token.len() > token::TOKEN_BYTES_MAX {
            return Verdict::Refused(Refusal::TooLong);
        }
        let (fingerprint, now_us) = (Fingerprint::of(token), self.clock.unix_us());
        if let Some(verified) = self.verified.find(fingerprint, keys.number, now_us) {
            return Verdict::Believed(verified);
        }
        match self.rules.verify(token, &keys.set, now_us) {
            Ok(verified) => {
                self.verified.keep(fingerprint, verified.clone(), keys.number);
                Verdict::Believed(verified)
            }
            Err(Refusal::UnknownKey) => Verdict::KeyUnknown(keys.number),
            Err(refusal) => Verdict::Refused(refusal),
        }
    }

    /// Verifies a token whose key was not among the keys of this number, after asking for newer ones if that is possible.
    pub(crate) async fn verify_with_newer_keys(&self, token: &str, than: u64) -> Result<Verified, Refusal> {
        let is_newer = || self.keys.number() != Some(than);
        self.keys.asking.ask(is_newer).await;
        match self.verify(token) {
            Verdict::Believed(verified) => Ok(verified),
            Verdict::Refused(refusal) => Err(refusal),
            Verdict::KeyUnknown(_) => Err(Refusal::UnknownKey),
        }
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Keys {
    /// Puts other keys in force; false if they are already. Only the keeper does so, one after the other.
    fn replace(&self, set: KeySet) -> bool {
        let number = match self.current.load().as_deref() {
            Some(current) if current.set.is_same(&set) => return false,
            Some(current) => current.number + 1,
            None => 0,
        };
        self.current.store(Some(Arc::new(Numbered { number, set })));
        true
    }

    fn number(&self) -> Option<u64> {
        self.current.load().as_deref().map(|keys| keys.number)
    }
}

/// What tokens must say, and where the keys are. The settings have checked that all of it is there; nobody is served on the
/// word of somebody else's check.
fn rules(auth: &AuthSettings) -> Result<(TokenRules, &Jwks), Exit> {
    let missing = |key: &str| Exit::new(ExitCode::Configuration, format!("auth.mode = \"jwt\" needs {key}"));
    let rules = TokenRules {
        issuer: auth.issuer.clone().ok_or_else(|| missing("auth.issuer"))?,
        audience: auth.audience.clone().ok_or_else(|| missing("auth.audience"))?,
        skew: auth.clock_skew,
        actor_claim: auth.actor_claim.clone(),
        roles_claim: auth.roles_claim.clone(),
    };
    Ok((rules, auth.jwks.as_ref().ok_or_else(|| missing("auth.jwks"))?))
}

/// Reads what a server would read of the identity provider before it starts, as it would: the keys, if they are in a file.
/// [`ExitCode::Configuration`] if it could not start with them. Blocks.
pub(crate) fn check(settings: &Settings) -> Result<(), Exit> {
    if settings.auth.mode != AuthMode::Jwt {
        return Ok(());
    }
    match rules(&settings.auth)?.1 {
        Jwks::File(path) => keeper::read(path).map(|_| ()).map_err(|error| unusable(&error)),
        Jwks::Url(_) => Ok(()),
    }
}

fn remote(url: &str, process: &Process, health: &Health) -> Remote {
    Remote {
        url: url.to_owned(),
        ca: process.settings.tls.ca.clone(),
        refresh: process.settings.auth.jwks_refresh,
        condition: health.condition("identity"),
    }
}

fn unusable(error: &FetchError) -> Exit {
    Exit::new(ExitCode::Configuration, format!("the keys of the identity provider (auth.jwks) cannot be used: {error}"))
}
