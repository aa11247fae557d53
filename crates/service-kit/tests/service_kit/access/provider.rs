//! The identity provider's web server, as good or bad as a test wants it.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use service_kit::tls::provider;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Pair;

/// What it does with a question.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    /// Answers 200 with this.
    Answers(String),
    /// Answers 500.
    Fails,
    /// Never answers.
    Hangs,
}

/// The web server; it lives as long as the test.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    pub(crate) url: String,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<Mutex<usize>>,
}

impl Provider {
    pub(crate) async fn start(mood: Mood) -> Self {
        Self::start_with(mood, None).await
    }

    /// One that speaks TLS, and shows a certificate for `localhost`.
    pub(crate) async fn start_tls(mood: Mood, pair: &Pair) -> Self {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_single_cert(pair.chain(), pair.private_key()).unwrap();
        Self::start_with(mood, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_with(mood: Mood, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}/keys", listener.local_addr().unwrap().port());
        let provider = Self { url, mood: Arc::new(Mutex::new(mood)), asked: Arc::default() };
        let serving = provider.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (serving, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serving.answer(stream).await,
                        // Whoever does not believe the certificate hangs up.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serving.answer(stream).await;
                            }
                        }
                    }
                });
            }
        });
        provider
    }

    pub(crate) fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How many questions have come.
    pub(crate) fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S) {
        let mut question = Vec::new();
        while !question.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read_exact(&mut byte).await.is_err() {
                return;
            }
            question.push(byte[0]);
        }
        assert!(question.starts_with(b"GET /keys HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&question));
        *self.asked.lock().unwrap() += 1;
        let mood = self.mood.lock().unwrap().clone();
        let (status, body) = match mood {
            Mood::Answers(body) => ("200 OK", body),
            Mood::Fails => ("500 Internal Server Error", String::new()),
            Mood::Hangs => std::future::pending().await,
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        // Whoever does not want to read it all has hung up.
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}
