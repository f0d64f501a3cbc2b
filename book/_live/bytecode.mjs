// Compile Python sources to bytecode with the very interpreter that will load them.
//
//   node bytecode.mjs ROOT [FOLDER ...]
//
// Every .py below ROOT becomes a .pyc beside it and is removed, except below the FOLDERs named
// after it, where the source stays (the learner reads it in tracebacks) and the bytecode goes to
// __pycache__. A file that does not compile is left as it is.

import { loadPyodide } from "./node_modules/pyodide/pyodide.mjs";

const COMPILE = `
import pathlib, py_compile

def compile_tree(root, keep):
    compiled = 0
    for source in sorted(pathlib.Path(root).rglob("*.py")):
        parts = source.relative_to(root).parts
        stays = parts[0] in keep
        target = source.with_suffix(".pyc")
        if stays:
            target = source.parent / "__pycache__" / f"{source.stem}.cpython-312.pyc"
        try:
            py_compile.compile(
                str(source),
                cfile=str(target),
                dfile="/lib/python3.12/site-packages/" + "/".join(parts[1:]),
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except py_compile.PyCompileError:
            continue
        compiled += 1
        if not stays:
            source.unlink()
    return compiled
`;

const [root, ...keep] = process.argv.slice(2);
const pyodide = await loadPyodide();
pyodide.FS.mkdir("/tree");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root }, "/tree");
pyodide.runPython(COMPILE);
const compiled = pyodide.globals.get("compile_tree")("/tree", keep);
console.log(`${compiled} files compiled`);
process.exit(0);
