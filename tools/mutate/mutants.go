package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/big"
	"slices"
	"strings"
)

// A mutant is a file with one small change.
type mutant struct {
	file       string
	line       int
	from, to   int // the bytes that are replaced
	old, other string
}

func (m *mutant) String() string {
	return fmt.Sprintf("%s:%d: %s -> %s", m.file, m.line, short(m.old), short(m.other))
}

// short returns code shortened to a part of a line.
func short(code string) string {
	const most = 70
	code = strings.Join(strings.Fields(code), " ")
	if len(code) > most {
		code = code[:most] + "…"
	}
	return code
}

// apply returns the changed source.
func (m *mutant) apply(source []byte) []byte {
	return slices.Concat(source[:m.from], []byte(m.other), source[m.to:])
}

// swaps are the operators that replace each other.
var swaps = map[token.Token][]token.Token{
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL}, token.REM: {token.MUL},
	token.AND: {token.OR}, token.OR: {token.AND}, token.XOR: {token.OR}, token.AND_NOT: {token.AND},
	token.SHL: {token.SHR}, token.SHR: {token.SHL},
	token.ADD_ASSIGN: {token.SUB_ASSIGN}, token.SUB_ASSIGN: {token.ADD_ASSIGN},
	token.AND_ASSIGN: {token.OR_ASSIGN}, token.OR_ASSIGN: {token.AND_ASSIGN}, token.XOR_ASSIGN: {token.OR_ASSIGN},
	token.SHL_ASSIGN: {token.SHR_ASSIGN}, token.SHR_ASSIGN: {token.SHL_ASSIGN},
	token.INC: {token.DEC}, token.DEC: {token.INC},
	token.BREAK: {token.CONTINUE}, token.CONTINUE: {token.BREAK},
}

// names are the predeclared names that replace each other.
var names = map[string]string{"min": "max", "max": "min", "true": "false", "false": "true"}

// mutate returns all mutants of a file, in the order of their places. Some of them do not compile.
func mutate(name string, source []byte) ([]mutant, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(file) {
		return nil, nil
	}
	var all []mutant
	replace := func(from, to token.Pos, other string) {
		m := mutant{file: name, line: files.Position(from).Line, from: files.Position(from).Offset, to: files.Position(to).Offset, other: other}
		m.old = string(source[m.from:m.to])
		all = append(all, m)
	}
	text := func(n ast.Node) string {
		return string(source[files.Position(n.Pos()).Offset:files.Position(n.End()).Offset])
	}
	swap := func(at token.Pos, operator token.Token) {
		for _, other := range swaps[operator] {
			replace(at, at+token.Pos(len(operator.String())), other.String())
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BinaryExpr:
			swap(n.OpPos, n.Op)
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				replace(n.Pos(), n.X.Pos(), "")
			}
		case *ast.IncDecStmt:
			swap(n.TokPos, n.Tok)
		case *ast.BranchStmt:
			swap(n.TokPos, n.Tok)
		case *ast.Ident:
			if other, ok := names[n.Name]; ok {
				replace(n.Pos(), n.End(), other)
			}
		case *ast.BasicLit:
			if v, ok := new(big.Int).SetString(n.Value, 0); ok && n.Kind == token.INT {
				replace(n.Pos(), n.End(), new(big.Int).Add(v, big.NewInt(1)).String())
				replace(n.Pos(), n.End(), new(big.Int).Sub(v, big.NewInt(1)).String())
			}
		case *ast.IfStmt:
			replace(n.Cond.Pos(), n.Cond.End(), "false && ("+text(n.Cond)+")")
			replace(n.Cond.Pos(), n.Cond.End(), "true || ("+text(n.Cond)+")")
		case *ast.AssignStmt:
			swap(n.TokPos, n.Tok)
		case *ast.BlockStmt:
			leaveOut(n.List, text, replace)
		case *ast.CaseClause:
			leaveOut(n.Body, text, replace)
		}
		return true
	})
	slices.SortStableFunc(all, func(a, b mutant) int { return a.from - b.from })
	return all, nil
}

// leaveOut leaves out, in turn, each statement that is a call or an assignment. The variables that it uses remain
// used.
func leaveOut(list []ast.Stmt, text func(ast.Node) string, replace func(from, to token.Pos, other string)) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt:
		default:
			continue
		}
		replace(s.Pos(), s.End(), "if false { "+text(s)+" }")
	}
}
