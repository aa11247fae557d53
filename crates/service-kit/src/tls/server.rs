//! The TLS of a server: the certificate that it shows now, replaced while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::ServerConfig;
use tracing::{info, warn};

use super::material::{Error, Material, Paths};
use super::validity::NotAfter;
use super::with_causes;
use crate::clock::Clock;
use crate::exit::{Exit, ExitCode};
use crate::identity::Identity;
use crate::reload::Reload;
use crate::settings::Settings;
use crate::telemetry::{meter, names};

/// What new connections shake hands with. Those that stand keep what they began with.
pub(crate) struct ServerTls {
    paths: Paths,
    current: ArcSwap<ServerConfig>,
    not_after: ArcSwapOption<NotAfter>,
    /// Whether the end of the present certificate has been warned about.
    warned: AtomicBool,
    clock: Arc<dyn Clock>,
}

/// A server's TLS, and the files that it was made of.
pub(crate) struct Prepared {
    paths: Paths,
    material: Material,
    config: Arc<ServerConfig>,
    not_after: Option<NotAfter>,
}

/// Reads the files of the settings; none if there is to be no TLS. [`ExitCode::Configuration`] if they cannot be used. Blocks.
pub(crate) fn prepared(settings: &Settings) -> Result<Option<Prepared>, Exit> {
    let exit = |error: Error| Exit::new(ExitCode::Configuration, with_causes(&error));
    let Some(paths) = Paths::of(settings).map_err(exit)? else {
        return Ok(None);
    };
    let material = Material::read(&paths).map_err(exit)?;
    let (config, not_after) = material.prepare(&paths).map_err(exit)?;
    Ok(Some(Prepared { paths, material, config, not_after }))
}

impl ServerTls {
    /// The TLS of a server, and what keeps it up to date: a future that looks at the files at each moment of `reload`, and
    /// never ends. None if there is to be no TLS.
    pub(crate) fn start(
        settings: &Settings,
        identity: Identity,
        clock: Arc<dyn Clock>,
        reload: Reload,
    ) -> Result<Option<(Arc<Self>, impl Future<Output = ()> + use<>)>, Exit> {
        let Some(Prepared { paths, material, config, not_after }) = prepared(settings)? else {
            return Ok(None);
        };
        let tls = Arc::new(Self {
            paths,
            current: ArcSwap::new(config),
            not_after: ArcSwapOption::from_pointee(not_after),
            warned: AtomicBool::new(false),
            clock,
        });
        tls.observe(identity);
        tls.warn_of_the_end();
        let keeping = Arc::clone(&tls).keep(material, reload);
        Ok(Some((tls, keeping)))
    }

    /// What a connection that begins now shakes hands with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    async fn keep(self: Arc<Self>, mut seen: Material, mut reload: Reload) {
        let mut unreadable = false;
        while reload.next().await {
            let paths = self.paths.clone();
            // Files may lie on a disk that takes its time.
            let looked = tokio::task::spawn_blocking(move || (look(&paths, &seen), seen)).await;
            // A panic there is a bug; the certificate stays as it is.
            let Ok((look, before)) = looked else { break };
            seen = before;
            // What cannot be used is said once, not at every look.
            match look {
                Look::Unreadable(error) => {
                    if !std::mem::replace(&mut unreadable, true) {
                        not_reloaded(&error);
                    }
                }
                Look::Same => unreadable = false,
                Look::Other(material, prepared) => {
                    (seen, unreadable) = (material, false);
                    match prepared {
                        Ok((config, not_after)) => self.put(config, not_after),
                        Err(error) => not_reloaded(&error),
                    }
                }
            }
            self.warn_of_the_end();
        }
        std::future::pending::<()>().await;
    }

    fn put(&self, config: Arc<ServerConfig>, not_after: Option<NotAfter>) {
        self.current.store(config);
        self.not_after.store(not_after.map(Arc::new));
        self.warned.store(false, Ordering::Relaxed);
        let until = not_after.map(|end| end.to_string()).unwrap_or_default();
        let file = self.paths.certificate.display();
        info!(
            name: names::CERTIFICATE_RELOADED,
            not_after = until,
            "new connections are answered with the new certificate of {file}, which is good until {until}"
        );
    }

    /// Says once for each certificate that its end is near.
    fn warn_of_the_end(&self) {
        let (now, Some(end)) = (self.clock.unix_us(), self.not_after.load_full()) else { return };
        if !end.is_near(now) || self.warned.swap(true, Ordering::Relaxed) {
            return;
        }
        let file = self.paths.certificate.display();
        let verb = if end.left_s(now) < 0 { "has expired: it was good" } else { "expires soon: it is good" };
        warn!(
            name: names::CERTIFICATE_EXPIRES,
            not_after = %end,
            left_s = end.left_s(now),
            "the certificate in {file} (tls.certificate) {verb} until {end}; replace the file, no restart is needed"
        );
    }

    fn observe(self: &Arc<Self>, identity: Identity) {
        let tls = Arc::downgrade(self);
        let _registered = meter(identity)
            .i64_observable_gauge(names::CERTIFICATE_EXPIRY)
            .with_unit("s")
            .with_description("Time until the server's certificate expires; negative when it has.")
            .with_callback(move |observer| {
                let Some(tls) = tls.upgrade() else { return };
                if let Some(end) = tls.not_after.load_full() {
                    observer.observe(end.left_s(tls.clock.unix_us()), &[]);
                }
            })
            .build();
    }
}

/// What a look at the files has found.
enum Look {
    /// One cannot be read.
    Unreadable(Error),
    /// They are as they were.
    Same,
    /// They are others: what they are, and what can be done with them.
    Other(Material, Result<(Arc<ServerConfig>, Option<NotAfter>), Error>),
}

fn look(paths: &Paths, before: &Material) -> Look {
    match Material::read(paths) {
        Err(error) => Look::Unreadable(error),
        Ok(material) if material == *before => Look::Same,
        Ok(material) => {
            let prepared = material.prepare(paths);
            Look::Other(material, prepared)
        }
    }
}

fn not_reloaded(error: &Error) {
    let text = with_causes(error);
    warn!(
        name: names::CERTIFICATE_RELOAD_FAILED,
        error = &*text,
        "the new certificate cannot be used, the one before stays in force: {text}"
    );
}
