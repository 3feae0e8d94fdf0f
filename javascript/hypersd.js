// Asks the extension's Python side what will happen once the person pauses, and shows the answer. No rule stands here.
"use strict";

const HYPERSD_TABS = ["txt2img", "img2img"];
const HYPERSD_PAUSE_MS = 120;
// After this an answer counts as lost, and the question is asked again.
const HYPERSD_PATIENCE_MS = 3000;
const HYPERSD_PROGRESS_MS = 500;
const hypersdTabs = {};

function hypersdFind(tab, part) {
    return gradioApp().querySelector(`#hypersd_${tab}${part}`);
}

function hypersdState(tab) {
    return hypersdTabs[tab] ||= {asked: 0, sent: 0, sentAt: 0, due: false, timer: null, wish: null, before: {}, focus: null};
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
    const waiting = hypersdAnswer(tab).number < state.sent;
    // gradio drops a click while the one before is under way: its answer brings us here again.
    state.due = waiting && performance.now() - state.sentAt < HYPERSD_PATIENCE_MS;
    if (!state.due) {
        state.sent = state.asked;
        state.sentAt = performance.now();
        button.click();
    }
    state.timer = setTimeout(() => hypersdAsk(tab), HYPERSD_PATIENCE_MS);  // stopped by the answer
}

// What goes out: the question's number, the marks of the last answer, and what was pressed in the table since.
function hypersdQuestion(tab) {
    const {sent, wish} = hypersdState(tab);
    return JSON.stringify({...hypersdAnswer(tab), number: sent, ...wish});
}

function hypersdAnswer(tab) {
    const mark = hypersdFind(tab, "_answer [data-hypersd-answer]");
    return {number: 0, ...JSON.parse(mark?.dataset.hypersdAnswer || "{}")};
}

// Off, and the header says so already; a tag or a remembered panel would still have a say.
function hypersdIsIdle(tab) {
    const ticked = hypersdFind(tab, "-checkbox input")?.checked;
    const shown = hypersdFind(tab, "_badge [data-state]:not([data-state=off])");
    const prompts = [...gradioApp().querySelectorAll(`#${tab}_prompt textarea, #hires_prompt textarea`)];
    return !ticked && !shown && !opts.hypersd_remember && !prompts.some((prompt) => prompt.value.includes("<"));
}

function hypersdArrived(tab) {
    const state = hypersdState(tab);
    const {number} = hypersdAnswer(tab);
    if (number < state.sent) return;
    if (state.wish?.since <= number) state.wish = null;
    if (state.due) {
        hypersdAsk(tab);
    } else if (number === state.asked) {
        clearTimeout(state.timer);
        const running = hypersdFind(tab, "_outlook [data-hypersd-running]");
        if (running) state.timer = setTimeout(() => hypersdChanged(tab), HYPERSD_PROGRESS_MS);
    }
}

// The table and the download ---------------------------------------------------------------------------------------

// Goes out with the next question, which is asked at once.
function hypersdWish(tab, wish) {
    const state = hypersdState(tab);
    state.asked += 1;
    state.wish = {...wish, since: state.asked};
    hypersdAsk(tab);
}

function hypersdOnChange(tab, {target}) {
    const {hypersdKeep: key, hypersdDo: action, value} = target.dataset;
    if (action === "accept") {
        hypersdFind(tab, "_outlook [data-hypersd-do=download]").disabled = !target.checked;
    } else if (key) {
        const {before} = hypersdState(tab);
        if (!target.checked) before[key] = value;
        hypersdWish(tab, {tick: {key, value: target.checked ? before[key] : "keep"}});
    }
}

function hypersdOnClick(tab, {target}) {
    const {hypersdDo: action, value} = target.dataset;
    if (action === "download") hypersdWish(tab, {download: value, accepted: true});
    if (action === "cancel") hypersdWish(tab, {cancel: value});
}

// A new table must not take the keyboard's place away.
function hypersdKeepFocus(tab) {
    const {focus} = hypersdState(tab);
    if (focus && document.activeElement === document.body) hypersdFind(tab, `_outlook ${focus}`)?.focus();
}

function hypersdNoteFocus(tab, body, {target}) {
    const {hypersdKeep: key, hypersdDo: action} = body.contains(target) ? target.dataset : {};
    const found = key ? `[data-hypersd-keep="${key}"]` : action ? `[data-hypersd-do="${action}"]` : null;
    hypersdState(tab).focus = found;
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
    body.addEventListener("click", (event) => hypersdOnClick(tab, event));
    document.addEventListener("focusin", (event) => hypersdNoteFocus(tab, body, event));
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
        // The host takes the new one in when its queue comes to it.
        setTimeout(() => HYPERSD_TABS.forEach(hypersdChanged), HYPERSD_PATIENCE_MS);
    }
});
