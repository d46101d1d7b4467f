//! The engine's thread: owns backend, models and contexts on its stack, takes
//! jobs one at a time from a bounded channel, and leaves in the order
//! contexts, models, backend.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use llama_cpp_2::context::params::LlamaPoolingType;
use llama_cpp_2::model::LlamaModel;
use tokio::sync::{mpsc, oneshot, watch};

use super::api::*;
use super::backend::Backend;
use super::chat::Session;
use super::embed::Encoder;
use super::gguf::Header;
use super::load;
use super::options::{EngineOptions, LoadProgress};
use super::preflight::{Needs, bad};
use super::prompt::Tokenizer;
use super::stop::{Stop, StopCell};
use super::template::{Template, TemplateError};

/// The state of one model: loading, ready, or failed.
pub(super) type Ready = Option<Result<ModelInfo, EngineError>>;

/// Which context a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Chat,
    Reader,
    Embedder,
    Matcher,
}

/// Text that did not fit the caller's channel while it was written.
pub(super) type Leftover = String;

/// One call.
pub(super) enum Job {
    Generate {
        target: Target,
        request: Box<GenerateRequest>,
        sink: Option<mpsc::Sender<String>>,
        cancel: Cancel,
        reply: oneshot::Sender<Result<(Generated, Leftover), EngineError>>,
    },
    Branch {
        target: Target,
        request: BranchRequest,
        cancel: Cancel,
        reply: oneshot::Sender<Result<BranchLogits, EngineError>>,
    },
    Embed {
        target: Target,
        texts: Vec<String>,
        cancel: Cancel,
        reply: oneshot::Sender<Result<Vec<Vec<f32>>, EngineError>>,
    },
    EmbedTokens {
        target: Target,
        texts: Vec<String>,
        cancel: Cancel,
        reply: oneshot::Sender<Result<Vec<TokenVectors>, EngineError>>,
    },
    Rank {
        query: String,
        documents: Vec<String>,
        cancel: Cancel,
        reply: oneshot::Sender<Result<Vec<f32>, EngineError>>,
    },
}

/// A file that passed the preflight.
pub(super) struct Checked {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    pub(super) needs: Needs,
}

/// What the thread is to load.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) options: EngineOptions,
    pub(super) chat: Option<Checked>,
    pub(super) embedder: Option<Checked>,
    pub(super) matcher: Option<Checked>,
    pub(super) ranker: Option<Checked>,
    pub(super) reader: Option<Checked>,
}

/// Where the thread says what became of each model.
#[derive(Clone)]
pub(super) struct Board {
    pub(super) progress: watch::Sender<LoadProgress>,
    pub(super) chat: watch::Sender<Ready>,
    pub(super) reader: watch::Sender<Ready>,
    pub(super) embedder: watch::Sender<Ready>,
    pub(super) matcher: watch::Sender<Ready>,
    pub(super) ranker: watch::Sender<Ready>,
}

impl Board {
    fn fail_all(&self, error: &EngineError) {
        for state in [
            &self.chat,
            &self.reader,
            &self.embedder,
            &self.matcher,
            &self.ranker,
        ] {
            state.send_if_modified(|state| {
                let waiting = state.is_none();
                if waiting {
                    *state = Some(Err(error.clone()));
                }
                waiting
            });
        }
    }
}

/// The thread's body.
pub(super) fn run(
    mut plan: Plan,
    board: &Board,
    mut jobs: mpsc::Receiver<Job>,
    shutdown: &Arc<AtomicBool>,
) {
    let backend = match Backend::acquire() {
        Ok(backend) => backend,
        Err(error) => {
            board.fail_all(&error);
            board.progress.send_replace(LoadProgress {
                fraction: 0.0,
                done: true,
            });
            return;
        }
    };
    // Once, so that all contexts agree.
    plan.options.threads.get_or_insert_with(load::quiet_threads);
    let mut meter = Meter::new(&plan, &board.progress);
    // Cells first, then models, then contexts: dropped the other way round.
    let cells: [Arc<StopCell>; 5] = Default::default();
    let mut open = |checked: &Option<Checked>, board: &watch::Sender<Ready>| {
        let checked = checked.as_ref()?;
        match load::weights(
            &backend,
            &checked.path,
            &plan.options,
            shutdown,
            meter.part(checked),
        ) {
            Ok(model) => Some(model),
            Err(error) => {
                board.send_replace(Some(Err(error)));
                None
            }
        }
    };
    let embedder_model = open(&plan.embedder, &board.embedder);
    let matcher_model = open(&plan.matcher, &board.matcher);
    let ranker_model = open(&plan.ranker, &board.ranker);
    let mut embedder = encoder(
        &backend,
        &plan,
        &plan.embedder,
        embedder_model.as_ref(),
        &cells[0],
        LlamaPoolingType::None,
        &board.embedder,
    );
    let mut matcher = encoder(
        &backend,
        &plan,
        &plan.matcher,
        matcher_model.as_ref(),
        &cells[4],
        LlamaPoolingType::None,
        &board.matcher,
    );
    let mut ranker = encoder(
        &backend,
        &plan,
        &plan.ranker,
        ranker_model.as_ref(),
        &cells[1],
        LlamaPoolingType::Rank,
        &board.ranker,
    );
    let chat_model = open(&plan.chat, &board.chat);
    let reader_model = open(&plan.reader, &board.reader);
    let mut chat = session(
        &backend,
        &plan,
        &plan.chat,
        chat_model.as_ref(),
        &cells[2],
        &board.chat,
    );
    let mut reader = session(
        &backend,
        &plan,
        &plan.reader,
        reader_model.as_ref(),
        &cells[3],
        &board.reader,
    );
    board.fail_all(&EngineError::Stopped);
    board.progress.send_replace(LoadProgress {
        fraction: 1.0,
        done: true,
    });

    while let Some(job) = jobs.blocking_recv() {
        if shutdown.load(Ordering::Acquire) {
            break;
        }
        let stop = |cancel: &Cancel, deadline| Stop {
            cancel: cancel.clone(),
            shutdown: Arc::clone(shutdown),
            deadline,
        };
        // A caller who went away does not read the reply: nothing to do then.
        match job {
            Job::Generate {
                target,
                request,
                sink,
                cancel,
                reply,
            } => {
                let deadline = request
                    .time_limit
                    .and_then(|limit| Instant::now().checked_add(limit));
                let stop = stop(&cancel, deadline);
                let mut outlet = Outlet::new(sink);
                let result = pick(target, &mut chat, &mut reader).and_then(|session| {
                    session.generate(*request, &stop, |text| {
                        outlet.send(text);
                        if reply.is_closed() {
                            cancel.cancel();
                        }
                    })
                });
                let _ = reply.send(result.map(|generated| (generated, outlet.left())));
            }
            Job::Branch {
                target,
                request,
                cancel,
                reply,
            } => {
                let stop = stop(&cancel, None);
                let _ = reply.send(
                    pick(target, &mut chat, &mut reader)
                        .and_then(|session| session.branch(request, &stop)),
                );
            }
            Job::Embed {
                target,
                texts,
                cancel,
                reply,
            } => {
                let encoder = pick_encoder(target, &mut embedder, &mut matcher);
                let _ = reply.send(encoder.and_then(|e| e.embed(&texts, &stop(&cancel, None))));
            }
            Job::EmbedTokens {
                target,
                texts,
                cancel,
                reply,
            } => {
                let encoder = pick_encoder(target, &mut embedder, &mut matcher);
                let _ =
                    reply.send(encoder.and_then(|e| e.embed_tokens(&texts, &stop(&cancel, None))));
            }
            Job::Rank {
                query,
                documents,
                cancel,
                reply,
            } => {
                let encoder = ranker.as_mut().ok_or(EngineError::Stopped);
                let _ = reply
                    .send(encoder.and_then(|e| e.rank(&query, &documents, &stop(&cancel, None))));
            }
        }
    }
    // Contexts before models before backend: the library aborts in another
    // order on some platforms.
    drop((chat, reader, embedder, matcher, ranker));
    drop((
        chat_model,
        reader_model,
        embedder_model,
        matcher_model,
        ranker_model,
    ));
    drop(backend);
    drop(cells);
}

fn pick<'a, 'm>(
    target: Target,
    chat: &'a mut Option<Session<'m>>,
    reader: &'a mut Option<Session<'m>>,
) -> Result<&'a mut Session<'m>, EngineError> {
    match target {
        Target::Chat => chat.as_mut(),
        Target::Reader => reader.as_mut(),
        Target::Embedder | Target::Matcher => None,
    }
    .ok_or(EngineError::Stopped)
}

fn pick_encoder<'a, 'm>(
    target: Target,
    embedder: &'a mut Option<Encoder<'m>>,
    matcher: &'a mut Option<Encoder<'m>>,
) -> Result<&'a mut Encoder<'m>, EngineError> {
    match target {
        Target::Embedder => embedder.as_mut(),
        Target::Matcher => matcher.as_mut(),
        Target::Chat | Target::Reader => None,
    }
    .ok_or(EngineError::Stopped)
}

fn encoder<'m>(
    backend: &Backend,
    plan: &Plan,
    checked: &Option<Checked>,
    model: Option<&'m LlamaModel>,
    cell: &Arc<StopCell>,
    pooling: LlamaPoolingType,
    board: &watch::Sender<Ready>,
) -> Option<Encoder<'m>> {
    let checked = checked.as_ref()?;
    let model = model?;
    match load::encoder_context(backend, model, &plan.options, pooling, cell) {
        Ok(context) => {
            let architecture = checked.header.architecture().unwrap_or_default();
            let causal = !architecture.contains("bert")
                && checked
                    .header
                    .flag(&format!("{architecture}.attention.causal"))
                    != Some(false);
            let info = load::info(
                &checked.path,
                &checked.header,
                model,
                &plan.options,
                &checked.needs,
                context.n_ctx() as usize,
            );
            let encoder = Encoder::new(model, context, causal, Arc::clone(cell));
            board.send_replace(Some(Ok(info)));
            Some(encoder)
        }
        Err(error) => {
            board.send_replace(Some(Err(error)));
            None
        }
    }
}

fn session<'m>(
    backend: &Backend,
    plan: &Plan,
    checked: &Option<Checked>,
    model: Option<&'m LlamaModel>,
    cell: &Arc<StopCell>,
    board: &watch::Sender<Ready>,
) -> Option<Session<'m>> {
    let checked = checked.as_ref()?;
    let model = model?;
    let needs = &checked.needs;
    let built = load::chat_context(backend, model, &checked.header, needs, &plan.options, cell)
        .and_then(|context| {
            let tokenizer = Tokenizer::new(model);
            let template = template(plan, checked, &tokenizer);
            // A chat model that cannot chat is of no use; a tuned reader needs
            // no template and says so only when asked to chat.
            if let Err(error) = &template
                && plan.chat.is_some()
            {
                return Err(error.clone());
            }
            let session = Session::new(model, context, tokenizer, template, Arc::clone(cell));
            let info = load::info(
                &checked.path,
                &checked.header,
                model,
                &plan.options,
                needs,
                session.capacity,
            );
            Ok((session, info))
        });
    match built {
        Ok((session, info)) => {
            board.send_replace(Some(Ok(info)));
            Some(session)
        }
        Err(error) => {
            board.send_replace(Some(Err(error)));
            None
        }
    }
}

fn template(
    plan: &Plan,
    checked: &Checked,
    tokenizer: &Tokenizer<'_>,
) -> Result<Template, EngineError> {
    let vocab = tokenizer.vocab();
    Template::choose(
        checked.header.text("tokenizer.chat_template"),
        plan.options.chat_template.as_deref(),
        &tokenizer.special_text(vocab.bos()),
        &tokenizer.special_text(vocab.eos()),
    )
    .map_err(|error| {
        let hint = match error {
            TemplateError::Unknown(..) => "Correct the value of --chat-template.",
            _ => "Name one with --chat-template: a family such as chatml, llama3, gemma, phi3 or mistral, or a file.",
        };
        bad(&checked.path, error.to_string(), hint)
    })
}

/// Turns the progress of each file into progress of the whole.
struct Meter {
    total: f32,
    before: f32,
    sender: watch::Sender<LoadProgress>,
}

impl Meter {
    fn new(plan: &Plan, sender: &watch::Sender<LoadProgress>) -> Self {
        let all = [
            &plan.chat,
            &plan.reader,
            &plan.embedder,
            &plan.matcher,
            &plan.ranker,
        ];
        let total: u64 = all
            .iter()
            .filter_map(|c| c.as_ref())
            .map(|c| c.needs.weights_bytes)
            .sum();
        Self {
            total: total.max(1) as f32,
            before: 0.0,
            sender: sender.clone(),
        }
    }

    fn part(&mut self, checked: &Checked) -> impl Fn(f32) + 'static {
        let share = checked.needs.weights_bytes as f32 / self.total;
        let before = self.before;
        self.before += share;
        let sender = self.sender.clone();
        move |fraction| {
            let fraction = (before + share * fraction).clamp(0.0, 1.0);
            sender.send_replace(LoadProgress {
                fraction,
                done: false,
            });
        }
    }
}

/// Sends text without ever waiting for the reader: what does not fit is sent
/// with the next piece, or left to the caller's side at the end.
struct Outlet {
    sink: Option<mpsc::Sender<String>>,
    waiting: String,
}

impl Outlet {
    fn new(sink: Option<mpsc::Sender<String>>) -> Self {
        Self {
            sink,
            waiting: String::new(),
        }
    }

    fn send(&mut self, text: &str) {
        let Some(sink) = &self.sink else { return };
        self.waiting.push_str(text);
        match sink.try_send(std::mem::take(&mut self.waiting)) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(text)) => self.waiting = text,
            Err(mpsc::error::TrySendError::Closed(_)) => self.sink = None,
        }
    }

    fn left(self) -> Leftover {
        self.waiting
    }
}
