// The Jupyter widget's shell around view.js, which Python puts in front of this text: one module, no imports.
export default {
  render({model, el}) {
    const root = document.createElement("div");
    el.appendChild(root);
    const view = mount(root, model.get("payload"), {
      step: model.get("step"),
      onStep: step => { model.set("step", step); model.save_changes(); },
    });
    const follow = () => view.show(model.get("step"));
    model.on("change:step", follow);
    return () => { model.off("change:step", follow); view.destroy(); };
  },
};
