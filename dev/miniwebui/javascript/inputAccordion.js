// Ties an InputAccordion's three parts together: the accordion that one opens, the checkbox in its label that one
// sees, and gradio's hidden checkbox that is the input.
//
// As long as nobody clicked the visible checkbox itself, opening means on and closing means off. After such a click
// the checkbox alone says whether the feature is on, and the accordion only folds.

/** Called by gradio when the hidden checkbox's value changes, by a paste for one. */
function inputAccordionChecked(id, checked) {
    const accordion = gradioApp().getElementById(id);
    accordion.visibleCheckbox.checked = checked;
    accordion.onVisibleCheckboxChange();
}

function setupAccordion(accordion) {
    const label = accordion.querySelector(".label-wrap");
    const hidden = gradioApp().querySelector(`#${accordion.id}-checkbox input`);
    const extra = gradioApp().querySelector(`#${accordion.id}-extra`);
    let linked = true;
    const isOpen = () => label.classList.contains("open");

    const visible = document.createElement("input");
    visible.type = "checkbox";
    visible.id = `${accordion.id}-visible-checkbox`;
    visible.className = `${hidden.className} input-accordion-checkbox`;
    visible.checked = isOpen();
    const title = label.querySelector("span");
    title.insertBefore(visible, title.firstChild);
    if (extra) {
        label.insertBefore(extra, label.lastElementChild);
    }

    accordion.visibleCheckbox = visible;
    accordion.onVisibleCheckboxChange = () => {
        if (linked && isOpen() !== visible.checked) {
            label.click();
        }
        hidden.checked = visible.checked;
        updateInput(hidden);
    };
    accordion.onChecked = (checked) => {
        if (isOpen() !== checked) {
            label.click();
        }
    };
    visible.addEventListener("click", (event) => {
        linked = false;
        event.stopPropagation();
    });
    visible.addEventListener("input", accordion.onVisibleCheckboxChange);

    new MutationObserver(() => {
        accordion.classList.toggle("input-accordion-open", isOpen());
        if (linked && visible.checked !== isOpen()) {
            visible.checked = isOpen();
            accordion.onVisibleCheckboxChange();
        }
    }).observe(label, {attributes: true, attributeFilter: ["class"]});
}

onUiLoaded(() => gradioApp().querySelectorAll(".input-accordion").forEach(setupAccordion));
