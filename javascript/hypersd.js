// Asks the extension's Python side what will happen once the person pauses, and shows the answer. No rule stands here.
"use strict";

const HYPERSD_TABS = ["txt2img", "img2img"];
const HYPERSD_PAUSE_MS = 120;
// After this an answer counts as lost, and the question is asked again.
const HYPERSD_PATIENCE_MS = 3000;
const hypersdTabs = {};

function hypersdFind(tab, part) {
    return gradioApp().querySelector(`#hypersd_${tab}${part}`);
}

function hypersdState(tab) {
    return hypersdTabs[tab] ||= {asked: 0, sent: 0, sentAt: 0, timer: null, before: {}, tick: null, focus: null};
}

// Questions and answers -----------------------------------------------------------------------------------------

// Called by every control of the page and of the panel that matters.
function hypersdChanged(tab) {
    const state = hypersdState(tab);
    state.asked += 1;
    clearTimeout(state.timer);
    state.timer = setTimeout(() => hypersdAsk(tab), HYPERSD_PAUSE_MS);
}

function hypersdAsk(tab) {
    const [state, button] = [hypersdState(tab), hypersdFind(tab, "_ask")];
    if (!button || hypersdIsIdle(tab)) return;
    clearTimeout(state.timer);
    // gradio drops a click while the one before is under way: its answer brings us here again.
    const waiting = state.sent > hypersdAnswer(tab).number;
    if (!waiting || performance.now() - state.sentAt > HYPERSD_PATIENCE_MS) {
        state.sent = state.asked;
        state.sentAt = performance.now();
        button.click();
    }
    state.timer = setTimeout(() => hypersdIsAnswered(tab) || hypersdAsk(tab), HYPERSD_PATIENCE_MS);
}

// What goes out with a question: its number, and the marks of the last answer.
function hypersdQuestion(tab) {
    return JSON.stringify({...hypersdAnswer(tab), number: hypersdState(tab).sent});
}

function hypersdAnswer(tab) {
    const mark = hypersdFind(tab, "_answer [data-hypersd-answer]");
    return {number: 0, ...JSON.parse(mark?.dataset.hypersdAnswer || "{}")};
}

function hypersdIsAnswered(tab) {
    return hypersdAnswer(tab).number >= hypersdState(tab).asked;
}

// Off, and the header says so already; a tag or a remembered panel would still have a say.
function hypersdIsIdle(tab) {
    const ticked = hypersdFind(tab, "-checkbox input")?.checked;
    const shown = hypersdFind(tab, "_badge [data-state]:not([data-state=off])");
    const prompts = [...gradioApp().querySelectorAll(`#${tab}_prompt textarea, #hires_prompt textarea`)];
    return !ticked && !shown && !opts.hypersd_remember && !prompts.some((prompt) => prompt.value.includes("<"));
}

function hypersdArrived(tab) {
    if (hypersdIsAnswered(tab)) clearTimeout(hypersdState(tab).timer);
    else if (hypersdAnswer(tab).number >= hypersdState(tab).sent) hypersdChanged(tab);
}

// The table --------------------------------------------------------------------------------------------------------

function hypersdOnChange(tab, event) {
    const key = event.target.dataset?.hypersdKeep;
    if (!key) return;
    const state = hypersdState(tab);
    if (!event.target.checked) state.before[key] = event.target.dataset.value;
    state.tick = {key, value: event.target.checked ? state.before[key] : "keep"};
    hypersdFind(tab, "_keep").click();
}

function hypersdTick(tab) {
    return JSON.stringify(hypersdState(tab).tick);
}

// A new table must not take the keyboard's place away.
function hypersdKeepFocus(tab) {
    const {focus} = hypersdState(tab);
    if (focus && document.activeElement === document.body) {
        hypersdFind(tab, `_outlook [data-hypersd-keep="${focus}"]`)?.focus();
    }
}

// Setting up -------------------------------------------------------------------------------------------------------

function hypersdSetUp(tab) {
    const [badge, answer, body] = ["_badge", "_answer", "_outlook"].map((part) => hypersdFind(tab, part));
    if (!answer) return;
    badge.setAttribute("role", "status");
    const observe = (element, seen) => new MutationObserver(seen).observe(element, {childList: true, subtree: true});
    observe(answer, () => hypersdArrived(tab));
    observe(body, () => hypersdKeepFocus(tab));
    body.addEventListener("change", (event) => hypersdOnChange(tab, event));
    document.addEventListener("focusin", (event) => {
        hypersdState(tab).focus = body.contains(event.target) ? event.target.dataset.hypersdKeep : null;
    });
}

onUiLoaded(() => HYPERSD_TABS.forEach(hypersdSetUp));
onOptionsChanged(() => HYPERSD_TABS.forEach(hypersdChanged));

// The checkpoint dropdown stands outside the tabs; its shown value is what changes. Forge gives it no id.
const HYPERSD_CHECKPOINT = ["#setting_sd_model_checkpoint input", "#setting_sd_model_checkpoint select", ".model_selection input"];
let hypersdCheckpoint = null;
onAfterUiUpdate(() => {
    const shown = gradioApp().querySelector(HYPERSD_CHECKPOINT.join(", "));
    const value = shown ? shown.value : null;
    if (value !== hypersdCheckpoint) {
        hypersdCheckpoint = value;
        HYPERSD_TABS.forEach(hypersdChanged);
    }
});
